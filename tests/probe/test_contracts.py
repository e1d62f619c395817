"""The contract that a probe justifies, beside the contracts that come with the package."""

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from portable.backends.credentials import S3Credentials
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Matches
from portable.backends.s3 import S3Backend
from portable.backends.traits import Contract, contract
from portable.errors import AlreadyExists, ConfigurationError, PreconditionFailed, Unsupported
from portable.hosts.contracting import contract_file, contract_of
from tests.probe.conftest import Ask
from tests.probe.servers import WITH_DEBIAN_PACKAGES

SERVERS: Final = [
    *("seaweedfs", "ministack", "moto", "rclone", "juicefs"),
    *(pytest.param(name, marks=pytest.mark.hosts) for name in WITH_DEBIAN_PACKAGES),
]
NOT_ASKED: Final = {"conditions.versioned", "held.restore", "held.locks", "held.versions"}
"""What a probe does not try, or only in buckets that are made for it."""


def claims(contract: Contract) -> dict[str, Any]:
    """Return what a contract says yes to, by path."""
    tables = msgspec.to_builtins(contract)
    flat = {f"{table}.{name}": value for table in ("conditions", "held", "parts") for name, value in tables[table].items()}
    return {name: value for name, value in flat.items() if value is True}


@pytest.mark.parametrize("name", SERVERS)
def test_a_probe_bears_out_what_the_shipped_contract_claims(name: str, outcome_of: Ask) -> None:
    found = claims(contract_of(outcome_of(name).result))
    assert set(claims(contract(name))) - set(found) - NOT_ASKED == set()


@pytest.mark.parametrize("name", SERVERS)
def test_a_probe_finds_a_checksum_of_writes_as_strong_as_the_shipped_contract(name: str, outcome_of: Ask) -> None:
    strength = ("none", "md5", "sha256", "crc64nvme")
    found = contract_of(outcome_of(name).result)
    assert strength.index(found.put) >= strength.index(contract(name).put)


def test_a_contract_that_was_written_is_one_that_backends_take(outcome_of: Ask, tmp_path: Path, ministack: Any) -> None:
    file = tmp_path / "host.toml"
    file.write_text(contract_file(outcome_of("ministack").result))
    credentials = S3Credentials(ministack.endpoint, "us-east-1", ministack.access_key, ministack.secret_key)
    backend = S3Backend(Location(f"s3://{ministack.make_bucket()}", provider=str(file)), credentials)
    try:
        first = backend.put("a", b"1", expect=ABSENT)
        with pytest.raises(AlreadyExists):
            backend.put("a", b"2", expect=ABSENT)
        backend.put("a", b"2", expect=Matches(first.etag))
        with pytest.raises(PreconditionFailed):
            backend.delete("a", expect=Matches(first.etag))
        upload = backend.begin("b")
        assert upload.part(0, b"3") == "crc64nvme"
        assert upload.commit(ABSENT).size == 1
    finally:
        backend.close()


def test_what_a_host_does_not_do_its_contract_refuses(outcome_of: Ask, tmp_path: Path, rclone: Any) -> None:
    file = tmp_path / "host.toml"
    file.write_text(contract_file(outcome_of("rclone").result))
    credentials = S3Credentials(rclone.endpoint, "us-east-1", rclone.access_key, rclone.secret_key)
    backend = S3Backend(Location(f"s3://{rclone.make_bucket()}", provider=str(file)), credentials)
    try:
        with pytest.raises(Unsupported):
            backend.put("a", b"1", expect=ABSENT)
        assert backend.put("a", b"1").confirmed == "md5"
    finally:
        backend.close()


def test_a_contract_says_where_it_is_from(outcome_of: Ask) -> None:
    written = tomllib.loads(contract_file(outcome_of("seaweedfs").result))
    assert written["source"].startswith("portable probe s3://")
    assert "127.0.0.1" in written["summary"]


def test_nothing_is_claimed_where_nothing_was_answered(outcome_of: Ask) -> None:
    silent = msgspec.structs.replace(outcome_of("seaweedfs").result, checks={})
    found = contract_of(silent)
    assert claims(found) == {"conditions.quoted": True}
    assert (found.put, found.parts.checksum) == ("none", "none")


def test_a_contract_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        contract(f"{tmp_path}/none.toml")
