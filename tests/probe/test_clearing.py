"""Whatever a probe writes is gone when it ends, however it ends; and what cannot be removed is named."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from portable.backends.location import Location
from portable.probe import Interrupted, probe
from portable.probe.table import TABLE
from tests.probe.conftest import Ask
from tests.probe.liar import Liar, refused
from tests.probe.servers import ALWAYS, environment, probed
from tests.servers import Moto, SeaweedFS
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Latency, Rule


def everything(client: Any, bucket: str) -> list[str]:
    """Return all that is in a bucket: versions, markers, unfinished uploads."""
    found = client.list_object_versions(Bucket=bucket)
    staged = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [each["Key"] for each in (*found.get("Versions", []), *found.get("DeleteMarkers", []), *staged)]


@pytest.mark.parametrize("name", [name for name in ALWAYS if name != "rclone"])
def test_a_probe_leaves_nothing(name: str, outcome_of: Ask, request: pytest.FixtureRequest) -> None:
    outcome = outcome_of(name)
    assert outcome.left == ()
    server, bucket = request.getfixturevalue(name), outcome.result.url.split("/")[2]
    if name == "azurite":
        container = server.client.get_container_client(bucket)
        assert list(container.list_blobs(include=["uncommittedblobs", "snapshots"])) == []
    elif name == "juicefs":
        assert "Contents" not in server.client.list_objects_v2(Bucket=bucket)
        assert "Uploads" not in server.client.list_multipart_uploads(Bucket=bucket)
    else:
        assert everything(server.client, bucket) == []


def test_what_a_server_lists_and_does_not_delete_is_named(outcome_of: Ask) -> None:
    # rclone loses track of keys that are folders of others, and of names that its disk refuses.
    left = outcome_of("rclone").left
    assert left
    assert all("(listed, and not there to be read)" in each for each in left)


def test_a_bucket_that_keeps_versions_is_left_empty_too(seaweedfs: SeaweedFS) -> None:
    bucket = seaweedfs.make_bucket()
    seaweedfs.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    checks = ["versioning", "conditional-create", "aborted-uploads", "read-after-delete", "multipart-etag"]
    outcome = probed("", seaweedfs, f"s3://{bucket}", only=checks)
    assert outcome.left == ()
    assert outcome.result.checks["versioning"].answer == "yes"
    assert everything(seaweedfs.client, bucket) == []


@pytest.mark.parametrize(
    ("check", "sent"),
    [("list-uploads", signal.SIGINT), ("conditional-create-race", signal.SIGINT), ("listing-order", signal.SIGTERM)],
)
def test_an_interrupted_probe_leaves_nothing(check: str, sent: signal.Signals, seaweedfs: SeaweedFS, bucket: str) -> None:
    with FaultProxy(seaweedfs.endpoint) as proxy:
        proxy.rules.append(Rule(Latency(0.4), target=check, skip=1))
        environment_ = {**os.environ, **seaweedfs.env("PROBED_"), "PROBED_AWS_ENDPOINT_URL": proxy.endpoint}
        command = [sys.executable, "-m", "portable", "probe", f"s3://{bucket}/deep", "--credentials", "env:PROBED_"]
        child = subprocess.Popen([*command, "--only", check, "--quick"], env=environment_, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not any(check in each.target and each.fault for each in list(proxy.log)):
            assert child.poll() is None, child.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.send_signal(sent)
        _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (130, "")
    assert everything(seaweedfs.client, bucket) == []


def test_an_interrupted_probe_names_what_it_could_not_remove(liar: Liar) -> None:
    bucket = liar.server.make_bucket()
    liar.lie, liar.where = refused(403, lambda asked: asked.method == "DELETE"), "tagging"

    def interrupt(name: str) -> None:
        if name == "customer-keys":
            raise KeyboardInterrupt

    with environment(liar.env("PROBED_")), pytest.raises(Interrupted) as interrupted:
        probe(Location(f"s3://{bucket}", credentials="env:PROBED_"), only=["tagging", "customer-keys"], progress=interrupt)
    (left,) = interrupted.value.left
    assert left.endswith("/tagging/object")


def test_a_probe_that_could_not_remove_something_names_it(liar: Liar, moto: Moto) -> None:
    bucket = moto.make_bucket()
    liar.lie, liar.where = refused(403, lambda asked: asked.method == "DELETE"), "etag-is-md5"
    outcome = probed("", liar, f"s3://{bucket}", only=["etag-is-md5"])
    (left,) = outcome.left
    (entry,) = moto.client.list_objects_v2(Bucket=bucket)["Contents"]
    assert left == f"object {entry['Key']}"


def test_an_upload_that_cannot_be_aborted_is_named(liar: Liar, moto: Moto) -> None:
    bucket = moto.make_bucket()
    liar.lie, liar.where = refused(403, lambda asked: asked.method == "DELETE" and "uploadId" in asked.target), "list-parts"
    outcome = probed("", liar, f"s3://{bucket}", only=["list-parts"])
    (upload,) = moto.client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert outcome.left == (f"upload {upload['UploadId']} of {upload['Key']}",)


def test_a_check_that_breaks_ends_no_other(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setitem(TABLE, "tagging", type(TABLE["tagging"])(broken))  # type: ignore[arg-type]  # a broken check
    outcome = probed("", seaweedfs, f"s3://{bucket}", only=["tagging", "headers"])
    assert outcome.failed == {"tagging": "ZeroDivisionError: a mistake of ours"}
    assert outcome.result.checks["tagging"].answer == "unknown"
    assert outcome.result.checks["headers"].answer == "yes"


def test_a_check_has_only_its_time(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE, "tagging", type(TABLE["tagging"])(TABLE["tagging"].answer, seconds=0.5))  # type: ignore[index]
    with FaultProxy(seaweedfs.endpoint) as proxy:
        proxy.rules.append(Rule(Latency(0.3), target="/tagging/"))
        there = type(
            "There", (), {"env": lambda _, prefix: seaweedfs.env(prefix) | {f"{prefix}AWS_ENDPOINT_URL": proxy.endpoint}}
        )
        outcome = probed("", there(), f"s3://{bucket}", only=["tagging", "headers"])
    assert list(outcome.failed) == ["tagging"]
    assert outcome.result.checks["headers"].answer == "yes"
    assert everything(seaweedfs.client, bucket) == []
