"""A target that answers 200 and stores nothing, or stores other bytes: copying may believe it, verification does not."""

from collections.abc import Iterator, Mapping

import pytest

from migrate.copy import copy_objects
from migrate.verify import MISSING, Finding, verify_objects
from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.volume import Volume
from tests.migrate.copy.places import KEYS, Exchange
from tests.servers import SeaweedFS
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Rule, StoreNothing


def echoed(headers: Mapping[str, str], _body: bytes) -> dict[str, str]:
    """Say of every checksum in the request that it was verified."""
    return {name: value for name, value in headers.items() if name.startswith("x-amz-checksum-") or name == "content-md5"}


@pytest.fixture
def proxy(seaweedfs: SeaweedFS) -> Iterator[FaultProxy]:
    with FaultProxy(seaweedfs.endpoint) as opened:
        yield opened


@pytest.fixture
def moving(
    exchange: Exchange, proxy: FaultProxy, seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Exchange]:
    """Five objects, with an S3 server behind the proxy as their target."""
    for name, value in seaweedfs.env("TARGET_").items():
        monkeypatch.setenv(name, value)
    for number in range(5):
        exchange.put(f"{number}", bytes([number]) * 10_000)
    location = Location(f"s3://{bucket}", endpoint=proxy.endpoint, credentials="env:TARGET_")
    exchange.target = Volume(open_backend(location, bound=5.0), KEYS)
    exchange.take_inventory()
    yield exchange
    exchange.target.close()


def test_what_was_answered_and_never_stored_is_missing(moving: Exchange, proxy: FaultProxy) -> None:
    proxy.rules = [Rule(StoreNothing(headers=echoed), method="PUT", target=r"/3(\?|$)")]
    copy_objects(moving.journal, moving.source, moving.target)
    assert moving.states()["3"] == "copied"  # nothing that the host said shows the lie
    found = verify_objects(moving.journal, moving.source, moving.target)
    assert found.findings == (Finding("3", "failed", MISSING),)
    assert (found.verified.objects, found.clean) == (4, False)
    assert not moving.journal.totals().all_verified

    proxy.rules = []
    copy_objects(moving.journal, moving.source, moving.target)
    assert verify_objects(moving.journal, moving.source, moving.target).clean
    assert moving.journal.totals().all_verified


def test_other_bytes_than_were_sent_are_found(moving: Exchange, proxy: FaultProxy, seaweedfs: SeaweedFS, bucket: str) -> None:
    def store_others() -> None:
        seaweedfs.client.put_object(Bucket=bucket, Key="3", Body=bytes(10_700))

    proxy.rules = [Rule(StoreNothing(headers=echoed), method="PUT", target=r"/3(\?|$)", meanwhile=store_others)]
    copy_objects(moving.journal, moving.source, moving.target)
    found = verify_objects(moving.journal, moving.source, moving.target)
    assert [(finding.key, finding.problem) for finding in found.findings] == [("3", "failed")]
    assert not moving.journal.totals().all_verified
