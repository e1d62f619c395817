"""Empty stores on fsspec filesystems of each kind: s3fs, adlfs, memory and local."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from portable.backends.fsspec_backend import FsspecBackend
from portable.backends.fsspec_opening import open_fsspec
from portable.backends.location import Location
from tests.servers import Azurite, SeaweedFS

PLACES = ("s3fs", "adlfs", "memory", "local")
LARGE_BODIES = "ignore:Sending a large body directly with raw bytes:ResourceWarning"
"""aiohttp advises azure-core against bodies of more than 1 MiB as bytes; neither adlfs nor we choose."""


@dataclass
class Place:
    """A container of the filesystem, and what opens it."""

    kind: str
    base: str
    credentials: str = "default"

    def open(self, prefix: str = "", bound: float = 20.0) -> FsspecBackend:
        return open_fsspec(Location(f"{self.base}/{prefix}", credentials=self.credentials), bound)

    def missing(self) -> FsspecBackend:
        """Open a container that does not exist."""
        return open_fsspec(Location(f"{self.base}-missing", credentials=self.credentials), 20.0)


def s3_options(server: SeaweedFS) -> dict[str, Any]:
    return {"key": server.access_key, "secret": server.secret_key, "endpoint_url": server.endpoint}


def azure_options(server: Azurite) -> dict[str, Any]:
    parts = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": server.account,
        "AccountKey": server.account_key,
        "BlobEndpoint": server.endpoint,
    }
    return {"connection_string": ";".join(f"{name}={value}" for name, value in parts.items())}


def make(kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Make an empty container of the kind."""
    made: dict[str, Callable[[], Place]] = {
        "s3fs": lambda: Place(kind, f"fsspec+s3://{request.getfixturevalue('bucket')}", "env:S3_"),
        "adlfs": lambda: Place(kind, f"fsspec+abfs://{request.getfixturevalue('container')}", "env:AZ_"),
        "memory": lambda: Place(kind, f"fsspec+memory://{uuid.uuid4().hex}"),
        "local": lambda: Place(kind, f"fsspec+file://{tmp_path}/root"),
    }
    place = made[kind]()
    if kind == "s3fs":
        monkeypatch.setenv("S3_FSSPEC_OPTIONS", json.dumps(s3_options(request.getfixturevalue("seaweedfs"))))
    elif kind == "adlfs":
        monkeypatch.setenv("AZ_FSSPEC_OPTIONS", json.dumps(azure_options(request.getfixturevalue("azurite"))))
    else:
        filesystem, path = fsspec.url_to_fs(place.base.removeprefix("fsspec+"))
        filesystem.makedirs(path)
    return place
