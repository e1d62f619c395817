"""What hosts refuse, and hosts that do not answer."""

import base64
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Backend, Matches
from portable.backends.registry import open_backend
from portable.backends.retrying import RetryingBackend
from portable.errors import ConfigurationError, Denied, Unavailable, Unsupported
from tests.servers import Azurite, SeaweedFS

SECRETS = {
    "BAD_AWS_ACCESS_KEY_ID": "AKWRONG",
    "BAD_AWS_SECRET_ACCESS_KEY": "wrong-secret-of-s3",
    "BAD_AWS_REGION": "us-east-1",
    "BAD_AZURE_STORAGE_ACCOUNT": "portable",
    "BAD_AZURE_STORAGE_KEY": base64.b64encode(b"wrong-secret-of-azure").decode(),
    "SAS_AZURE_STORAGE_ACCOUNT": "portable",
    "SAS_AZURE_STORAGE_SAS_TOKEN": "sv=2024-11-04&sig=wrong-secret-of-azure",
}


def try_everything(backend: Backend, error: type[Exception]) -> list[str]:
    def upload() -> None:
        staged = backend.begin("key")
        staged.part(0, b"data")

    messages = []
    for call in (
        lambda: backend.get("key"),
        lambda: backend.get("awkward/"),
        lambda: backend.stat("key"),
        lambda: backend.put("key", b"data"),
        lambda: backend.put("key", b"data", expect=ABSENT),
        lambda: list(backend.list()),
        lambda: list(backend.inventory()),
        lambda: backend.delete("key"),
        upload,
    ):
        with pytest.raises(error) as caught:
            call()
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        messages.append(str(caught.value))
    return messages


@pytest.fixture(params=["s3", "az-key", "az-sas"])
def wrong_location(
    request: pytest.FixtureRequest, seaweedfs: SeaweedFS, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> Location:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    if request.param == "s3":
        return Location("s3://warm-up", endpoint=seaweedfs.endpoint, credentials="env:BAD_")
    prefix = "BAD_" if request.param == "az-key" else "SAS_"
    return Location("az://warm-up", endpoint=azurite.endpoint, credentials=f"env:{prefix}")


def test_wrong_credentials_are_denied_and_never_repeated(wrong_location: Location) -> None:
    backend = open_backend(wrong_location, bound=10.0)
    messages = [*try_everything(backend, Denied), repr(backend)]
    backend.close()
    for value in SECRETS.values():
        if value not in ("us-east-1", "portable"):
            assert all(value not in message for message in messages)


def test_readers_may_read_and_not_write(
    seaweedfs: SeaweedFS, azurite: Azurite, bucket: str, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**seaweedfs.reader_env("READ_"), **azurite.reader_env("READ_")}.items():
        monkeypatch.setenv(name, value)
    seaweedfs.client.put_object(Bucket=bucket, Key="key", Body=b"data")
    azurite.client.get_blob_client(container, "key").upload_blob(b"data")
    for url in (f"s3://{bucket}", f"az://{container}"):
        backend = open_backend(Location(url, credentials="env:READ_"), bound=10.0)
        assert bytes(backend.get("key").data) == b"data"
        assert [stat.key for stat in backend.list()] == ["key"]
        with pytest.raises(Denied):
            backend.put("key", b"other")
        with pytest.raises(Denied):
            backend.delete("key")
        backend.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("url", ["s3://bucket", "az://container"])
def test_a_refused_connection_is_unavailable_within_the_bound(
    url: str, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    backend = open_backend(Location(url, endpoint=f"http://127.0.0.1:{closed_port}", credentials="env:BAD_"), bound=1.0)
    began = time.monotonic()
    messages = try_everything(backend, Unavailable)
    assert time.monotonic() - began < 9 * 3.0
    assert all("wrong-secret" not in message for message in messages)
    backend.close()


@pytest.mark.parametrize("url", ["s3://bucket", "az://container"])
def test_a_mutation_that_is_never_answered_ends_within_the_bound(
    url: str, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    backend = open_backend(Location(url, endpoint=f"http://127.0.0.1:{silent_port}", credentials="env:BAD_"), bound=1.0)
    for mutate in (
        lambda: backend.put("key", b"data"),
        lambda: backend.put("key", b"data", expect=ABSENT),
        lambda: backend.delete("key"),
    ):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            mutate()
        assert time.monotonic() - began < 1.0 + 0.5
    backend.close()


@pytest.fixture
def cutting_server() -> Iterator[tuple[int, list[bytes]]]:
    """A port behind which each request is taken and its connection cut: the lost response. Its request lines are kept."""
    seen: list[bytes] = []

    class Cutting(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if line := self.rfile.readline():
                seen.append(line)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Cutting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1], seen
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("url", ["s3://bucket", "az://container"])
def test_a_host_s_own_backend_sends_every_request_once(
    url: str, cutting_server: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    port, seen = cutting_server
    backend = open_backend(Location(url, endpoint=f"http://127.0.0.1:{port}", credentials="env:BAD_"), bound=1.0)
    assert isinstance(backend, RetryingBackend)
    for call in (
        lambda: backend.inner.put("key", b"data"),
        lambda: backend.inner.put("key", b"data", expect=ABSENT),
        lambda: backend.inner.put("key", b"data", expect=Matches('"1"')),
        lambda: backend.inner.delete("key"),
        lambda: backend.inner.delete("key", expect=Matches('"1"')),
        lambda: backend.inner.get("key"),
        lambda: backend.inner.stat("key"),
        lambda: list(backend.inner.list()),
    ):
        seen.clear()
        with pytest.raises(Unavailable):
            call()
        assert len(seen) == 1
    backend.close()


AMBIENT = {
    "AWS_ACCESS_KEY_ID": "other",
    "AWS_SECRET_ACCESS_KEY": "other",
    "AWS_SESSION_TOKEN": "other",
    "AWS_ENDPOINT": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_REGION": "other",
    "AWS_DEFAULT_REGION": "other",
    "AWS_BUCKET": "other",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
    "AZURE_STORAGE_ACCOUNT_NAME": "other",
    "AZURE_STORAGE_ACCOUNT_KEY": "b3RoZXI=",
    "AZURE_STORAGE_SAS_TOKEN": "sig=other",
    "AZURE_STORAGE_TOKEN": "other",
    "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_STORAGE_USE_EMULATOR": "true",
    "AZURE_SKIP_SIGNATURE": "true",
}


@pytest.mark.parametrize("kind", ["seaweedfs", "azurite"])
def test_variables_of_another_host_change_nothing(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    url = backend.__dict__["url"]
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    reopened = open_backend(Location(url, credentials="env:TEST_"), bound=10.0)
    reopened.put("key", b"data")
    assert bytes(reopened.get("key").data) == b"data"
    upload = reopened.begin("staged")
    upload.part(0, b"data")
    upload.commit()
    assert sorted(stat.key for stat in reopened.list()) == ["key", "staged"]
    reopened.close()


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a store URL"):
        open_backend(Location("ftp://host/a"))
    with pytest.raises(ConfigurationError, match="bound"):
        open_backend(Location(f"memory://{uuid.uuid4().hex}"), bound=0)


def test_a_missing_extra_says_what_to_install(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["boto3"] = sys.modules["azure.storage.blob"] = None
from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.backends.retrying import RetryingBackend
from portable.errors import ConfigurationError
for url, extra, call in (
    ("s3://bucket", "s3", lambda backend: backend.inner.features.tags("key")),
    ("az://container", "azure", lambda backend: list(backend.unfinished())),
):
    backend = open_backend(Location(url, endpoint="http://127.0.0.1:9", credentials="env:BAD_"))
    try:
        call(backend)
    except ConfigurationError as error:
        assert f"pip install 'portable-storage[{extra}]'" in str(error), error
    else:
        raise SystemExit("listed")
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, **SECRETS})


def test_opening_stores_loads_no_sdk() -> None:
    program = """
import sys
from portable.backends.location import Location
from portable.backends.registry import open_backend
open_backend(Location("s3://bucket", credentials="env:BAD_"))
open_backend(Location("az://container", credentials="env:BAD_"))
loaded = {"boto3", "botocore", "azure", "azure.storage.blob", "azure.identity"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, **SECRETS})


def test_a_forked_process_makes_connections_of_its_own(
    seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in seaweedfs.env("TEST_").items():
        monkeypatch.setenv(name, value)
    backend = open_backend(Location(f"s3://{bucket}", credentials="env:TEST_"), bound=10.0)
    backend.put("key", b"data")
    assert [stat.key for stat in backend.list()] == ["key"]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, bytes(backend.get("key").data) + b" of " + next(backend.list()).key.encode())
        finally:
            os._exit(0)
    os.close(writer)
    assert bytes(backend.get("key").data) == b"data"
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as answer:
        assert answer.read() == b"data of key"
    backend.close()


def test_an_archived_blob_is_described_and_cannot_be_read(
    azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in azurite.env("TEST_").items():
        monkeypatch.setenv(name, value)
    blob = azurite.client.get_blob_client(container, "cold")
    blob.upload_blob(b"data")
    blob.set_standard_blob_tier("Archive")
    backend = open_backend(Location(f"az://{container}", credentials="env:TEST_"), bound=10.0)
    assert backend.stat("cold").size == 4
    (entry,) = backend.inventory()
    assert entry.details["tier"] == "Archive"
    with pytest.raises(Unsupported, match="rehydrate"):
        backend.get("cold")
    backend.close()
