"""A cutover to Ceph, which honours conditions of writes and none of deletions."""

import pytest

pytestmark = pytest.mark.hosts


@pytest.fixture
def host(ceph):
    return ceph


@pytest.fixture
def bucket(ceph):
    return ceph.make_bucket()


def test_a_copy_that_cannot_be_deleted_keeps_the_gate_shut_and_is_named_until_it_is_gone(lake):
    assert "No conditional deletes at the target" in lake.portable("migrate", "plan", "exit.toml").stdout
    lake.portable("migrate", "copy", "exit.toml")
    lake.portable("migrate", "verify", "exit.toml")
    lake.portable("rm", "portable://lake/data/007.bin")

    shut = lake.portable("migrate", "cutover", "exit.toml", status=1)
    assert "'data/007.bin': still at the target" in shut.stdout
    assert "delete the copy there by hand" in shut.stdout
    assert lake.entry()["home"]["url"] == f"az://{lake.container}"

    lake.host.client.delete_object(Bucket=lake.bucket, Key="eu/data/007.bin")
    lake.portable("migrate", "cutover", "exit.toml")
    assert lake.entry()["home"]["url"] == f"s3://{lake.bucket}/eu"
    listed = lake.portable("ls", "portable://lake/data/").stdout
    assert "data/006.bin" in listed
    assert "data/007.bin" not in listed
