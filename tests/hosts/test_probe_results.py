from pathlib import Path

import msgspec
import pytest

from portable.errors import ConfigurationError
from portable.hosts.candidates import choose
from portable.hosts.library import load_profiles
from portable.hosts.probe_result import parse_probe_result, read_probe_result
from tests.hosts.making import probe

RESULT = {
    "url": "s3://lake",
    "endpoint": "https://s3.fr-par.scw.cloud",
    "provider": "scaleway",
    "taken": "2026-11-20T10:00:00Z",
    "checks": {"multipart": {"answer": "yes", "evidence": "3 parts of 5 MiB, read back equal"}},
}


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes(msgspec.json.encode(RESULT))
    result = read_probe_result(tmp_path / "result.json")
    assert (result.provider, result.checks["multipart"].answer, result.taken.tzname()) == ("scaleway", "yes", "UTC")
    assert parse_probe_result(msgspec.json.encode(result), "again") == result


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"checks": {"multiprat": {"answer": "yes", "evidence": ""}}},
            "there is no check 'multiprat'; did you mean 'multipart'?",
        ),
        ({"checks": {"multipart": {"answer": "maybe", "evidence": ""}}}, "Invalid enum value 'maybe'"),
        ({"checks": {"multipart": {"answer": "yes"}}}, "missing required field `evidence`"),
        ({"taken": "2026-11-20T10:00:00"}, "`$.taken`"),
        ({"token": "x"}, "unknown field `token`"),
    ],
)
def test_a_wrong_result_is_refused_with_file_and_field(change: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_probe_result(msgspec.json.encode(RESULT | change), "result.json")
    assert str(refused.value).startswith("result.json")
    assert says in str(refused.value)


def test_what_is_no_json_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no result of a probe"):
        parse_probe_result(b"{", "result.json")
    with pytest.raises(ConfigurationError, match="there is no file"):
        read_probe_result(tmp_path / "nowhere.json")


PROFILES = load_profiles()


def test_without_names_every_profile_is_compared() -> None:
    assert [candidate.label for candidate in choose((), PROFILES, ())] == list(PROFILES)


def test_a_probe_goes_to_the_row_of_its_provider_and_region() -> None:
    in_paris = probe({}, provider="scaleway", region="fr-par")
    paris, whole, warsaw = choose(["scaleway@fr-par", "scaleway", "scaleway@pl-waw"], PROFILES, [in_paris])
    assert (paris.probes, whole.probes, warsaw.probes) == ((in_paris,), (in_paris,), ())
    assert (paris.label, paris.name, paris.region) == ("scaleway@fr-par", "scaleway", "fr-par")


def test_a_probe_of_a_host_without_a_profile_has_a_row_of_its_own() -> None:
    *_, stranger = choose(["scaleway"], PROFILES, [probe({}, provider=None)])
    assert (stranger.label, stranger.profile) == ("https://acme.example", None)


@pytest.mark.parametrize(
    ("names", "provider", "says"),
    [
        (["scalway"], None, "did you mean 'scaleway'?"),
        (["scaleway@fr-part"], None, "scaleway has no region 'fr-part' that its profile knows of; did you mean 'fr-par'?"),
        (["scaleway@"], None, "scaleway has no region ''"),
        (["scaleway"], "outscale", "a probe is of outscale, which is not compared"),
        ([], "outscal", "did you mean 'outscale'?"),
    ],
)
def test_hosts_that_are_not_known_or_not_compared_are_refused(names: list[str], provider: str | None, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        choose(names, PROFILES, [probe({}, provider=provider)])
    assert says in str(refused.value)
