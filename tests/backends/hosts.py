"""The table of the conformance suite: every kind of host, and how an empty store of it is made.

A backend joins the suite with a row of `HOSTS`, and with a row of `CONTAINERS` where its scheme is new.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
from botocore.exceptions import ClientError

from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.backends.registry import open_backend
from portable.errors import PortableError, Unsupported
from tests.backends.clients import AzureClient, BackendClient, Client, FolderClient, S3Client

BOUND = 20.0
"""Seconds."""


@dataclass(frozen=True)
class Host:
    """A kind of host: the scheme of its stores, and the fixture of its server, where it needs one."""

    scheme: str
    server: str | None = None
    racers: int = 8
    """How many writers race for a key."""


HOSTS = {
    "memory": Host("memory"),
    "local": Host("file"),
    "seaweedfs": Host("s3", "seaweedfs"),
    "azurite": Host("az", "azurite"),
    "ministack": Host("s3", "ministack"),
    "moto": Host("s3", "moto"),
    "rclone": Host("s3", "rclone"),
    "juicefs": Host("s3", "juicefs"),
    "ceph": Host("s3", "ceph"),
    "swift": Host("s3", "swift", racers=4),
    "fsspec-memory": Host("fsspec+memory"),
    "fsspec-local": Host("fsspec+file"),
    "fsspec-s3fs": Host("fsspec+s3", "ministack"),
    "fsspec-adlfs": Host("fsspec+abfs", "azurite"),
}
WITH_DEBIAN_PACKAGES = {"ceph", "swift"}


@dataclass(frozen=True)
class Container:
    """An empty container: its URL and what must be known besides, and the server's own client."""

    url: str
    client: Client
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    make_folder: Callable[[str], None] = lambda _: None
    """Makes the folder that is a store's root, where the host needs one."""
    missing: str = ""
    """The URL of a container that does not exist."""


@dataclass
class Store:
    """A store on a kind of host, a function that opens a prefix of it, and a backend on its root."""

    kind: str
    """The host's name in `HOSTS`."""
    container: Container

    def __post_init__(self) -> None:
        self.backend = self.open("")

    def open(self, prefix: str) -> Backend:
        """Open the store, or what is below a prefix of it."""
        self.container.make_folder(prefix)
        return self._open(f"{self.container.url}/{prefix}".rstrip("/"))

    def missing(self) -> Backend:
        """Open a container that does not exist."""
        return self._open(self.container.missing)

    @property
    def host(self) -> Host:
        """The row of the table."""
        return HOSTS[self.kind]

    @property
    def client(self) -> Client:
        """The host's own client, on the same container."""
        return self.container.client

    def _open(self, url: str) -> Backend:
        return open_backend(Location(url, **self.container.settings), bound=BOUND)


def refusal(able: bool, error: type[PortableError]) -> type[PortableError]:  # noqa: FBT001  # reads as a sentence
    """Return the error of a condition that does not hold: `error` from a host that is able to tell, else Unsupported."""
    return error if able else Unsupported


@contextmanager
def memory(server: None, folder: Path) -> Iterator[Container]:
    url = f"memory://{uuid.uuid4().hex}"
    yield Container(url, BackendClient(open_backend(Location(url))), missing=f"{url}-other")


@contextmanager
def local(server: None, folder: Path) -> Iterator[Container]:
    root = folder / "root"

    def make_folder(prefix: str) -> None:
        (root / prefix).mkdir(parents=True, exist_ok=True)

    yield Container(f"file://{root}", FolderClient(root), make_folder=make_folder, missing=f"file://{folder}/missing")


@contextmanager
def s3_bucket(server: Any, folder: Path) -> Iterator[Container]:
    bucket = server.make_bucket()
    settings = {"credentials": "env:TEST_"} | ({"provider": server.provider} if server.provider else {})
    client = S3Client(server.client, bucket)
    yield Container(f"s3://{bucket}", client, settings, server.env("TEST_"), missing="s3://missing-bucket")
    with suppress(ClientError):  # a key that the server cannot delete goes when it stops
        server.remove_bucket(bucket)


@contextmanager
def azure_container(server: Any, folder: Path) -> Iterator[Container]:
    container = server.make_container()
    client, settings = AzureClient(server.client.get_container_client(container)), {"credentials": "env:TEST_"}
    yield Container(f"az://{container}", client, settings, server.env("TEST_"), missing="az://missing")
    server.remove_container(container)


@contextmanager
def fsspec_memory(server: None, folder: Path) -> Iterator[Container]:
    url, filesystem = f"fsspec+memory://{uuid.uuid4().hex}", fsspec.filesystem("memory")

    def make_folder(prefix: str) -> None:
        filesystem.makedirs(f"{url.partition('//')[2]}/{prefix}", exist_ok=True)

    make_folder("")
    client = BackendClient(open_backend(Location(url)))
    yield Container(url, client, make_folder=make_folder, missing=f"{url}-other")


@contextmanager
def fsspec_local(server: None, folder: Path) -> Iterator[Container]:
    with local(server, folder) as made:
        yield Container(f"fsspec+{made.url}", made.client, make_folder=made.make_folder, missing=f"fsspec+{made.missing}")


@contextmanager
def fsspec_s3(server: Any, folder: Path) -> Iterator[Container]:
    options = {"key": server.access_key, "secret": server.secret_key, "endpoint_url": server.endpoint}
    with s3_bucket(server, folder) as made:
        yield fsspec_container(made, options)


@contextmanager
def fsspec_azure(server: Any, folder: Path) -> Iterator[Container]:
    parts = ("DefaultEndpointsProtocol=http", f"AccountName={server.account}", f"AccountKey={server.account_key}")
    options = {"connection_string": ";".join((*parts, f"BlobEndpoint={server.endpoint}"))}
    with azure_container(server, folder) as made:
        yield fsspec_container(made, options)


def fsspec_container(made: Container, options: Mapping[str, str]) -> Container:
    def url(of: str) -> str:
        return f"fsspec+{of}".replace("fsspec+az:", "fsspec+abfs:")

    environment = {"TEST_FSSPEC_OPTIONS": json.dumps(options)}
    return Container(url(made.url), made.client, {"credentials": "env:TEST_"}, environment, missing=url(made.missing))


CONTAINERS: dict[str, Callable[[Any, Path], Any]] = {
    "memory": memory,
    "file": local,
    "s3": s3_bucket,
    "az": azure_container,
    "fsspec+memory": fsspec_memory,
    "fsspec+file": fsspec_local,
    "fsspec+s3": fsspec_s3,
    "fsspec+abfs": fsspec_azure,
}
"""By scheme: makes an empty container, given the host's server and a folder of the test's own, and removes it again."""
