"""Results of probes that are kept: each for its own bucket, the latest in the place of earlier ones."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from portable.backends.location import Location
from portable.errors import ConfigurationError
from portable.hosts.contracting import contract_file, contract_of
from portable.hosts.reaching import reached
from portable.hosts.saved import all_kept, keep, kept
from tests.hosts.making import probe

FOUND = replace(
    probe({"unsigned-payload": "yes", "checksum-crc64nvme": "yes", "conditional-create": "yes"}, provider="outscale"),
    endpoint="https://oos.eu-west-2.outscale.com",
)
THERE = Location("s3://lake/below", provider="outscale", region="eu-west-2")


@pytest.fixture(autouse=True)
def no_profiles_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir()
    monkeypatch.setenv("PORTABLE_HOSTS", str(tmp_path / "hosts"))


def test_a_result_is_found_again_for_its_bucket_alone(tmp_path: Path) -> None:
    file = keep(tmp_path / "state", FOUND)
    assert (file.stat().st_mode & 0o777, kept(tmp_path / "state", FOUND.endpoint or "", "lake")) == (0o600, FOUND)
    assert kept(tmp_path / "state", FOUND.endpoint or "", "pond") is None
    assert kept(tmp_path / "state", "https://elsewhere.example", "lake") is None


def test_a_later_result_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    keep(tmp_path, FOUND)
    later = replace(FOUND, taken=FOUND.taken + timedelta(days=1))
    keep(tmp_path, later)
    assert all_kept(tmp_path) == (later,)
    other = replace(FOUND, url="s3://pond")
    keep(tmp_path, other)
    assert all_kept(tmp_path) == (later, other)
    assert all_kept(tmp_path / "nowhere") == ()


def test_a_host_whose_contract_nobody_knows_is_opened_by_what_its_probe_found(tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match="portable probe s3://lake/below --provider outscale --keep"):
        unprobed = reached(THERE, state=tmp_path).contract
    assert unprobed is not None
    assert unprobed.put == "none"
    keep(tmp_path, FOUND)
    there = reached(THERE, state=tmp_path)
    assert there.endpoint == FOUND.endpoint
    assert there.contract is not None
    assert (there.contract.put, there.contract.conditions) == ("crc64nvme", contract_of(FOUND).conditions)
    assert there.contract.parts.seconds == 180  # what the profile says acts, too


def test_a_probe_of_another_bucket_tells_nothing(tmp_path: Path) -> None:
    keep(tmp_path, replace(FOUND, url="s3://pond"))
    with pytest.warns(RuntimeWarning, match="is not known"):
        reached(THERE, state=tmp_path)


def test_where_a_host_is_must_be_known_for_its_probe_to_be_found(tmp_path: Path) -> None:
    keep(tmp_path, replace(FOUND, provider="numspot", endpoint="https://ours.example"))
    location = Location("s3://lake", provider="numspot", region="eu-west-2")
    with pytest.raises(ConfigurationError, match="name the endpoint"):
        reached(location, state=tmp_path)
    there = reached(dataclasses.replace(location, endpoint="https://ours.example/"), state=tmp_path)
    assert there.contract is not None
    assert there.contract.listing == 1  # as its profile says


def test_a_contract_that_a_profile_names_goes_before_a_probe_that_was_kept(tmp_path: Path) -> None:
    weak = replace(FOUND, provider="scaleway", endpoint="https://s3.fr-par.scw.cloud", checks={})
    keep(tmp_path, weak)
    there = reached(Location("s3://lake", provider="scaleway", region="fr-par"), state=tmp_path)
    assert there.contract is not None
    assert there.contract.conditions.create


def test_a_result_that_was_altered_is_refused_and_named(tmp_path: Path) -> None:
    file = keep(tmp_path, FOUND)
    file.write_text("{}")
    with pytest.raises(ConfigurationError, match=file.name):
        reached(THERE, state=tmp_path)


def test_naming_the_file_of_a_result_is_enough_to_reach_its_host(tmp_path: Path) -> None:
    file = keep(tmp_path, FOUND)
    there = reached(Location("s3://lake", provider=str(file)))
    assert (there.endpoint, there.contract) == (FOUND.endpoint, contract_of(FOUND))
    elsewhere = reached(Location("s3://lake", provider=str(file), endpoint="https://other.example", region="north"))
    assert (elsewhere.endpoint, elsewhere.region) == ("https://other.example", "north")


def test_the_file_of_a_contract_says_the_same_as_the_result_that_it_is_from(tmp_path: Path) -> None:
    from portable.backends.traits import contract

    file = tmp_path / "host.toml"
    file.write_text(contract_file(FOUND))
    assert contract(str(file)) == contract_of(FOUND)
