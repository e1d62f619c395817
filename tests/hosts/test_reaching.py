"""Naming a provider and a region is enough to reach its host, under the contract that it follows."""

import pytest
from msgspec.structs import replace

from portable.backends.location import Location
from portable.backends.protocol import ABSENT
from portable.backends.traits import Conditions, Contract, contract
from portable.errors import ConfigurationError, Unsupported
from portable.hosts.reaching import placed, reached
from portable.opening import backend_at
from tests.servers import SeaweedFS


@pytest.fixture(autouse=True)
def no_profiles_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "hosts").mkdir()
    monkeypatch.setenv("PORTABLE_HOSTS", str(tmp_path / "hosts"))


def test_a_provider_and_a_region_are_enough_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_AWS_ACCESS_KEY_ID", "unused")
    monkeypatch.setenv("X_AWS_SECRET_ACCESS_KEY", "unused")
    location = Location("s3://lake-eu", provider="scaleway", region="fr-par", credentials="env:X_")
    assert reached(location).endpoint == "https://s3.fr-par.scw.cloud"
    backend = backend_at(location)
    assert backend.capabilities.max_parts == 1000
    backend.close()


def test_a_provider_follows_the_contract_that_its_profile_names() -> None:
    there = reached(Location("s3://lake-eu", provider="hetzner", region="fsn1"))
    assert there.endpoint == "https://fsn1.your-objectstorage.com"
    assert there.contract == replace(contract("ceph"), addressing="virtual")  # as its documentation shows it


def test_an_endpoint_that_is_given_wins() -> None:
    there = reached(Location("s3://lake-eu", provider="hetzner", endpoint="https://new.your-objectstorage.com"))
    assert there.endpoint == "https://new.your-objectstorage.com"


def test_a_user_s_own_profile_is_taken(tmp_path) -> None:
    (tmp_path / "hosts" / "hetzner.toml").write_text(
        '[sources]\nown = { text = "seen", date = 2026-11-22, confidence = "primary" }\n'
        '[endpoint]\nurl = { value = "https://s3.{region}.example.eu", source = "own" }\n'
        'regions = { value = ["north"], source = "own" }\n'
    )
    assert placed(Location("s3://lake-eu", provider="hetzner", region="north")).endpoint == "https://s3.north.example.eu"


def test_a_missing_region_is_asked_for_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"name the region of Scaleway.*fr-par"):
        reached(Location("s3://lake-eu", provider="scaleway"))


def test_a_region_that_the_provider_has_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no region 'fr-pair'.*fr-par"):
        reached(Location("s3://lake-eu", provider="scaleway", region="fr-pair"))


def test_of_a_host_whose_contract_is_not_known_nothing_is_relied_on_until_it_is_probed() -> None:
    location = Location("s3://lake-eu", provider="ovhcloud", region="gra")
    with pytest.warns(RuntimeWarning, match="portable probe s3://lake-eu --provider ovhcloud --keep"):
        there = reached(location)
    assert there.endpoint == placed(location).endpoint == "https://s3.gra.io.cloud.ovh.net"
    assert there.contract is not None
    assert there.contract.put == there.contract.parts.checksum == "none"
    assert there.contract.conditions == Conditions(
        create=False, replace=False, delete=False, commit=False, versioned=False, quoted=True
    )


def test_a_host_that_nobody_probed_is_read_and_written_and_refuses_conditions(
    seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in seaweedfs.env("X_").items():
        monkeypatch.setenv(name, value)
    location = Location(f"s3://{bucket}", provider="ovhcloud", region="gra", endpoint=seaweedfs.endpoint, credentials="env:X_")
    with pytest.warns(RuntimeWarning, match="OVHcloud"):
        backend = backend_at(location)
    assert backend.put("folder/key", b"data").confirmed == "none"
    upload = backend.begin("large")
    upload.part(0, b"part")
    upload.commit()
    assert bytes(backend.get("folder/key").data) == b"data"
    assert {stat.key for stat in backend.list()} == {"folder/key", "large"}
    with pytest.raises(Unsupported):
        backend.put("folder/key", b"other", expect=ABSENT)
    backend.delete("folder/key")
    backend.close()


def test_a_location_that_has_a_contract_already_keeps_it() -> None:
    there = Location("s3://lake-eu", provider="scaleway", region="fr-par", contract=Contract())
    assert reached(there) == there


def test_a_part_of_the_endpoint_that_is_the_user_s_own_is_asked_for() -> None:
    location = Location("s3://lake", provider="cloud-temple", region="fr1")
    with pytest.raises(ConfigurationError, match=r"\{namespace\}.*name yours"):
        placed(location)
    named = Location("s3://lake", provider="cloud-temple", region="fr1", account="acme")
    assert placed(named).endpoint == "https://acme.s3.fr1.cloud-temple.com"


def test_only_the_profile_that_is_named_is_read(tmp_path) -> None:
    (tmp_path / "hosts" / "broken.toml").write_text("[")
    assert reached(Location("s3://lake-eu", provider="scaleway", region="fr-par")).contract is not None


def test_a_contract_of_the_user_s_own_and_stores_without_a_provider_pass_as_they_are() -> None:
    for location in (
        Location("s3://lake-eu", provider="./contract.toml"),
        Location("s3://lake-eu"),
        Location("s3://lake-eu", provider="ministack"),
        Location("az://lake", account="lake", provider="azure"),
    ):
        assert reached(location) == location


def test_a_named_host_without_an_endpoint_is_never_taken_for_amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_AWS_ACCESS_KEY_ID", "unused")
    monkeypatch.setenv("X_AWS_SECRET_ACCESS_KEY", "unused")
    with pytest.raises(ConfigurationError, match="say where ceph is"):
        backend_at(Location("s3://lake-eu", provider="ceph", credentials="env:X_"))
