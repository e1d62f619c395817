"""What each host does without this package: its vendor's client on one container, to plant objects and to look at them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from portable.backends.local_files import PRIVATE
from portable.backends.protocol import Backend


class Client(Protocol):
    """Its methods raise what the vendor's client raises."""

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""

    def get(self, key: str) -> bytes:
        """Read an object."""

    def keys(self) -> set[str]:
        """List all keys."""


@dataclass
class BackendClient:
    """For stores in this process, which have no other client."""

    backend: Backend

    def put(self, key: str, data: bytes) -> None:
        self.backend.put(key, data)

    def get(self, key: str) -> bytes:
        return bytes(self.backend.get(key).data)

    def keys(self) -> set[str]:
        return {stat.key for stat in self.backend.list()}


@dataclass
class FolderClient:
    """The operating system. The folder of temporary files is none of its keys."""

    root: Path

    def put(self, key: str, data: bytes) -> None:
        path = Path(f"{self.root}/{key}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def get(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def keys(self) -> set[str]:
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return {str(path) for path in found if PRIVATE not in path.parts}


@dataclass
class S3Client:
    """boto3."""

    client: Any
    bucket: str

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def keys(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


@dataclass
class AzureClient:
    """azure-storage-blob's client of a container."""

    client: Any

    def put(self, key: str, data: bytes) -> None:
        self.client.upload_blob(key, data)

    def get(self, key: str) -> bytes:
        return bytes(self.client.download_blob(key).readall())

    def keys(self) -> set[str]:
        return set(self.client.list_blob_names())
