"""The profiles that are shipped, and those that people write badly."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from portable.errors import ConfigurationError
from portable.hosts.fields import FIELDS
from portable.hosts.library import find, load_profiles, user_folder
from portable.hosts.profile import Profile, Statement
from tests.hosts.making import profile

SHIPPED = load_profiles()

EXPECTED = {
    *("aws", "azure", "ceph", "clever-cloud", "cloud-temple", "hetzner", "ionos", "minio", "numspot", "open-telekom-cloud"),
    *("outscale", "ovhcloud", "scaleway", "seaweedfs"),
}


def statements() -> list[tuple[Profile, str, Statement]]:
    return [(host, path, said) for host in SHIPPED.values() for path in FIELDS for said in host.said(path)]


def test_every_host_that_the_project_speaks_of_has_a_profile() -> None:
    assert set(SHIPPED) == EXPECTED
    assert all(host.title != host.name for host in SHIPPED.values())


def test_every_statement_has_a_source_with_a_date_that_has_come() -> None:
    today = datetime.now(UTC).date()
    assert [(host.name, path) for host, path, said in statements() if not said.source.text or said.source.date > today] == []


def test_sources_are_linked_by_https_alone() -> None:
    links = {said.source.url for _, _, said in statements()} - {None}
    assert [link for link in links if not str(link).startswith("https://")] == []


def test_a_statement_about_regions_names_regions_of_its_host() -> None:
    wrong = [(host.name, path) for host, path, said in statements() if not set(said.regions) <= set(host.regions)]
    assert wrong == []


def test_every_certification_says_its_scope() -> None:
    assert [host.name for host, path, said in statements() if path.startswith("certifications.") and not said.scope] == []


def test_every_price_says_its_unit() -> None:
    assert [host.name for host, path, said in statements() if path.startswith("prices.") and not said.unit] == []


def test_sources_that_differ_are_both_kept() -> None:
    assert [said.value for said in SHIPPED["ovhcloud"].said("features.conditional_create")] == [False, True]
    assert [said.value for said in SHIPPED["scaleway"].said("certifications.secnumcloud")] == ["held", "in progress"]


def test_a_host_of_which_nothing_is_said_is_unknown_in_every_field() -> None:
    assert [path for path in FIELDS if profile("").said(path)] == []


def test_the_contract_of_a_host_is_unknown_where_it_is_only_inferred() -> None:
    assert SHIPPED["hetzner"].contract == "ceph"
    assert SHIPPED["clever-cloud"].said("service.contract")
    assert SHIPPED["clever-cloud"].contract is None
    assert SHIPPED["ovhcloud"].contract is None


def test_every_contract_that_a_profile_names_is_one_that_backends_know() -> None:
    known = {file.name.removesuffix(".toml") for file in (files("portable.backends") / "profiles").iterdir()}
    assert {said.value for _, path, said in statements() if path == "service.contract"} <= known


@pytest.mark.parametrize(
    ("written", "line", "says"),
    [
        (
            '[limits]\nmax_partz = { value = 1, source = "docs" }',
            10,
            "limits has no field 'max_partz'; did you mean 'max_parts'?",
        ),
        ('[limit]\nmax_parts = { value = 1, source = "docs" }', 9, "has no field 'limit'; did you mean 'limits'?"),
        ('[limits]\nmax_parts = { valeu = 1, source = "docs" }', 10, "has no field 'valeu'; did you mean 'value'?"),
        ('[limits]\nmax_parts = { value = "1", source = "docs" }', 10, "limits.max_parts[0].value: Expected `int`, got `str`"),
        ("[limits]\nmax_parts = { value = 1 }", 10, "lacks the field 'source' (a name under [sources])"),
        (
            '[limits]\nmax_parts = { value = 1, source = "dosc" }',
            10,
            "there is no source 'dosc' under [sources]; did you mean 'docs'?",
        ),
        ("[limits]\nmax_parts = []", 10, "is empty: what is unknown is left out"),
        ('[certifications]\nhds = { value = "held", source = "docs" }', 10, "lacks the field 'scope'"),
        ('[certifications]\nhds = { value = "yes", scope = "x", source = "docs" }', 10, "Invalid enum value 'yes'"),
        ('[prices]\negress = { value = 1, source = "docs" }', 10, "lacks the field 'unit'"),
    ],
)
def test_a_wrong_profile_is_refused_with_file_line_and_what_was_meant(written: str, line: int, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        profile(written)
    assert f"acme.toml:{line}: " in str(refused.value)
    assert says in str(refused.value)


def test_a_users_file_overrides_field_by_field_and_adds_hosts(tmp_path: Path) -> None:
    source = '[sources]\nown = { text = "our contract", date = 2026-11-22, confidence = "primary" }\n'
    (tmp_path / "scaleway.toml").write_text(source + '[limits]\nmax_parts = { value = 10_000, source = "own" }\n')
    (tmp_path / "attic.toml").write_text(source + '[service]\ncontract = { value = "ceph", source = "own" }\n')
    profiles = load_profiles(tmp_path)
    ours, shipped = profiles["scaleway"], SHIPPED["scaleway"]
    assert [(said.value, said.source.text) for said in ours.said("limits.max_parts")] == [(10_000, "our contract")]
    assert ours.said("certifications.hds") == shipped.said("certifications.hds")
    assert ours.title == shipped.title
    assert ours.files == (*shipped.files, str(tmp_path / "scaleway.toml"))
    assert profiles["attic"].contract == "ceph"
    assert set(profiles) == EXPECTED | {"attic"}


def test_the_users_folder_is_named_by_the_environment_or_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_folder({}) is None
    (tmp_path / ".config/portable/hosts").mkdir(parents=True)
    assert user_folder({}) == tmp_path / ".config/portable/hosts"
    assert user_folder({"PORTABLE_HOSTS": str(tmp_path)}) == tmp_path
    with pytest.raises(ConfigurationError, match=r"PORTABLE_HOSTS names .*, which is no folder"):
        user_folder({"PORTABLE_HOSTS": str(tmp_path / "nowhere")})


def test_a_misspelt_host_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigurationError, match="there is no profile of a host 'scalway'; did you mean 'scaleway'"):
        find(SHIPPED, "scalway")
