"""The servers themselves: what tests and demonstrations rely on."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.servers import (
    Azurite,
    Ceph,
    JuiceFS,
    MiniStack,
    Moto,
    OpenBao,
    Rclone,
    S3Server,
    SeaweedFS,
    SoftHSM,
    Swift,
    install,
    programs,
)
from tests.servers.process import ServerError, ServerProcess, free_ports

ROOT = Path(__file__).resolve().parents[2]


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_server_leaves_nothing_behind(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as s3, Azurite(tmp_path) as azure, Azurite(tmp_path) as other:
        assert azure.endpoint != other.endpoint
        bucket = s3.make_bucket()
        s3.client.put_object(Bucket=bucket, Key="key", Body=b"data")
        container = azure.make_container("lake")
        azure.client.get_blob_client(container, "a b/é").upload_blob(b"data")
        pids = [s3.pid, azure.pid, other.pid]
        assert all(is_running(pid) for pid in pids)
        assert [(request.method, request.key) for request in s3.requests() if request.key] == [("PUT", "key")]
        assert [(request.method, request.bucket, request.key) for request in azure.requests()] == [
            ("PUT", "lake", ""),
            ("PUT", "lake", "a b/é"),
        ]
        assert other.requests() == []
        for server in (s3, azure):
            secrets = [value for name, value in server.env().items() if "SECRET" in name or "KEY" in name.split("_")[-1]]
            assert all(value not in repr(server) for value in secrets)
    assert not any(is_running(pid) for pid in pids)
    assert not any(path.name == "data" for folder in tmp_path.iterdir() for path in folder.iterdir())


def test_a_key_service_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with OpenBao(tmp_path) as bao, OpenBao(tmp_path) as other:
        assert bao.address != other.address
        bao.transit.create_key("key")
        assert bao.transit.list_keys()["data"]["keys"] == ["key"]
        pids = [bao.pid, other.pid]
        assert all(is_running(pid) for pid in pids)
        assert bao.root_token not in repr(bao)
        assert bao.root_token not in Path(f"/proc/{bao.pid}/cmdline").read_text()
    assert not any(is_running(pid) for pid in pids)
    assert not (tmp_path / "home").exists()
    assert {path.name for folder in tmp_path.iterdir() for path in folder.iterdir()} == {"openbao.log"}


def check_s3_server(kind: type[S3Server], folder: Path) -> None:
    """Demand that two servers are two hosts, that they refuse a wrong secret, and that nothing of them stays but their logs."""
    with kind(folder) as server, kind(folder) as other:
        assert server.endpoint != other.endpoint
        bucket = server.make_bucket()
        server.client.put_object(Bucket=bucket, Key="folder/key", Body=b"data")
        assert server.client.get_object(Bucket=bucket, Key="folder/key")["Body"].read() == b"data"
        server.remove_bucket(bucket)
        assert bucket not in {each["Name"] for each in server.client.list_buckets()["Buckets"]}
        assert server.secret_key not in repr(server)
        pids = [*server.pids, *other.pids]
        assert all(is_running(pid) for pid in pids)
        if kind is not Moto:
            with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
                server._make_client(server.access_key, other.secret_key).list_buckets()
    assert not any(is_running(pid) for pid in pids)
    assert {path.suffix for home in folder.iterdir() for path in home.iterdir()} == {".log"}


@pytest.mark.parametrize("kind", [JuiceFS, MiniStack, Moto, Rclone])
def test_a_server_that_speaks_s3_leaves_nothing_behind(kind: type[S3Server], tmp_path: Path) -> None:
    check_s3_server(kind, tmp_path)


@pytest.mark.hosts
@pytest.mark.parametrize("kind", [Ceph, Swift])
def test_a_server_of_debian_packages_leaves_nothing_behind(kind: type[S3Server], tmp_path: Path) -> None:
    check_s3_server(kind, tmp_path)


@pytest.mark.hosts
def test_two_tokens_of_a_name_are_two_tokens(tmp_path: Path) -> None:
    with SoftHSM(tmp_path) as one, SoftHSM(tmp_path) as other:
        assert one.hmac_sha256("portable", b"") != other.hmac_sha256("portable", b"")
        assert one.hmac_sha256("portable", b"") == one.hmac_sha256("portable", b"")
        assert one.pin not in repr(one)
    assert list(tmp_path.iterdir()) == []


def test_a_server_does_not_outlive_its_parent(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from tests.servers.process import ServerProcess
server = ServerProcess(["sleep", "600"], Path({str(tmp_path)!r}) / "log")
server.start()
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    parent = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    deadline = time.monotonic() + 10
    while is_running(int(parent.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = ServerProcess([str(programs.node()), "-e", "console.error('no luck'); process.exit(3)"], tmp_path / "log")
    server.start()
    with pytest.raises(ServerError, match="no luck"):
        server.wait_until(lambda: False, seconds=10)
    server.stop()


def test_free_ports_are_distinct_and_below_those_of_outgoing_connections() -> None:
    ports = free_ports(20, offsets=(0, 10_000))
    assert len(set(ports)) == 20
    assert all(port + 10_000 < 32_768 for port in ports)


def test_the_lock_file_names_versions_and_no_registry() -> None:
    manifest, lock = (json.loads(path.read_text()) for path in install.MANIFESTS)
    assert lock["packages"]["node_modules/azurite"]["version"] == manifest["dependencies"]["azurite"]
    for name, package in lock["packages"].items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
    assert install.is_installed()
