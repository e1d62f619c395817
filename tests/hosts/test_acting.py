"""What a profile says acts on requests: on the contract that a store at its host is opened with."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from portable.backends.s3_rules import Rules
from portable.backends.traits import Contract, Parts, Rates, contract
from portable.hosts.acting import ACTING, acting
from portable.hosts.fields import FIELDS
from portable.hosts.library import load_profile, load_profiles
from tests.hosts.making import profile

MIB: Final = 1 << 20
SAID: Final[Mapping[str, tuple[str, Any]]] = {
    "endpoint.addressing": ('["virtual"]', "virtual"),
    "quirks.list_version": ("1", 1),
    "quirks.list_url_encode": ("false", False),
    "quirks.unsigned_payload": ("false", "signed"),
    "limits.max_parts": ("1_000", 1_000),
    "limits.min_part_size": ("33_554_432", 32 * MIB),
    "limits.max_part_size": ("8_388_608", 8 * MIB),
    "limits.max_put_size": ("8_388_608", 8 * MIB),
    "limits.max_object_size": ("5_000_000_000_000", 5_000_000_000_000),
    "limits.upload_seconds": ("180", 180),
    "limits.max_key_bytes": ("500", 500),
    "limits.read_rate": ("900", 900),
    "limits.write_rate": ("300", 300),
    "storage.classes": ('["STANDARD", "GLACIER"]', ("STANDARD", "GLACIER")),
}


def with_claims(path: str, claims: str) -> Contract:
    table, name = path.split(".")
    return acting(Contract(), profile(f"[{table}]\n{name} = {claims}"), None)


def value_of(found: Contract, path: str) -> Any:
    value: Any = found
    for name in path.split("."):
        value = getattr(value, name)
    return value


def test_every_field_that_acts_is_tried_here_and_is_a_field_of_profiles() -> None:
    assert set(SAID) == set(ACTING)
    assert set(ACTING) <= set(FIELDS)


@pytest.mark.parametrize("path", SAID)
def test_what_the_provider_says_acts(path: str) -> None:
    said, acts = SAID[path]
    assert value_of(with_claims(path, f'{{ value = {said}, source = "docs" }}'), ACTING[path]) == acts


@pytest.mark.parametrize("path", SAID)
def test_what_is_unverified_does_not_act(path: str) -> None:
    assert with_claims(path, f'{{ value = {SAID[path][0]}, source = "rumour" }}') == Contract()


@pytest.mark.parametrize("path", [path for path in SAID if path.startswith(("endpoint.", "quirks."))])
def test_how_requests_are_made_is_not_changed_by_what_others_say(path: str) -> None:
    assert with_claims(path, f'{{ value = {SAID[path][0]}, source = "other" }}') == Contract()


@pytest.mark.parametrize(
    ("path", "one", "another", "acts"),
    [
        ("limits.max_parts", "1_000", "5_000", 1_000),
        ("limits.max_parts", "10_001", "20_000", 10_000),
        ("limits.min_part_size", "1", "2", 5 * MIB),
        ("limits.write_rate", "300", "200", 200),
        ("limits.upload_seconds", "600", "180", 180),
        ("limits.max_object_size", "48_000_000_000_000", "5_000_000_000_000", 5_000_000_000_000),
        ("storage.classes", '["STANDARD", "GLACIER"]', '["STANDARD", "COLD"]', ("STANDARD",)),
        ("endpoint.addressing", '["path", "virtual"]', '["virtual"]', "path"),
        ("quirks.list_version", "1", "2", 2),
    ],
)
def test_of_several_claims_the_most_careful_one_acts(path: str, one: str, another: str, acts: object) -> None:
    claims = ", ".join(f'{{ value = {value}, source = "{source}" }}' for value, source in ((one, "docs"), (another, "old")))
    assert value_of(with_claims(path, f"[{claims}]"), ACTING[path]) == acts


def test_what_is_said_of_the_region_goes_before_what_is_said_of_all() -> None:
    said = '[limits]\nwrite_rate = [{ value = 300, source = "docs" }, { value = 50, source = "docs", regions = ["north"] }]'
    assert acting(Contract(), profile(said), "north").rates == Rates(writes=50)
    assert acting(Contract(), profile(said), "south").rates == Rates(writes=50)  # unknown, so the careful one
    assert acting(Contract(), profile(said.replace("50", "500")), "north").rates == Rates(writes=500)


@pytest.mark.parametrize(("limits", "size"), [("max_part_size = 8_388_608", 8 * MIB), ("min_part_size = 33_554_432", 32 * MIB)])
def test_parts_are_of_a_size_between_the_least_and_the_most(limits: str, size: int) -> None:
    name, value = limits.split(" = ")
    assert with_claims(f"limits.{name}", f'{{ value = {value}, source = "docs" }}').parts.size == size


def test_a_profile_that_says_nothing_leaves_the_contract_as_it_is() -> None:
    assert acting(contract("ceph"), profile(""), None) == contract("ceph")


@pytest.mark.parametrize("name", load_profiles())
def test_every_profile_of_the_package_makes_a_contract(name: str) -> None:
    found = load_profile(name)
    assert found is not None
    for region in (None, *found.regions):
        able = Rules("s3://b", "", acting(Contract(), found, region)).capabilities()
        assert able.part_size_for(1_000_000_000_000) * able.max_parts >= 1_000_000_000_000


def test_the_limits_of_the_hosts_that_are_known_act() -> None:
    known = {name: acting(Contract(), found, None) for name, found in load_profiles().items()}
    assert known["scaleway"].parts == Parts(most=1_000, largest=5_000_000_000, whole=5_000_000_000_000)
    assert (known["outscale"].parts.seconds, known["outscale"].rates) == (180, Rates(reads=300, writes=200))
    assert known["ovhcloud"].rates == Rates(reads=900, writes=300)
    assert known["numspot"].listing == 1
    assert known["hetzner"].addressing == "virtual"
    assert known["open-telekom-cloud"].storage.classes == ("standard", "warm", "cold")
    assert Rules("s3://b", "", known["outscale"]).capabilities().largest_part == 180 * MIB
