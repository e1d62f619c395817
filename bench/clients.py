"""The clients that are compared: one small class each, with the same verbs. Each works in one thread, at the same server.

A body is read to its end, a listing to its last key with size, time and ETag. Settings are each client's own, but for what
makes the work the same: parts and ranges of `PART` bytes, one at a time, and connections that are kept.
"""

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

PART: Final = 8 * 2**20
"""Bytes of a part and of a range; what is not longer goes in one request."""
PREFIX: Final = "BENCH_"
"""Stands before the variables that hold the server's credentials, so that no client finds them by itself."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bucket or container, what opens it, and a folder on this machine."""

    scheme: str
    """`s3` or `az`."""
    container: str
    provider: str | None
    """The host's profile, for our own client."""
    environment: Mapping[str, str]
    """Variables that open it, with `PREFIX`."""
    folder: Path
    """`little` is a small file, `small` a folder with a copy of it for each small object, `large` a large file."""

    def __getitem__(self, name: str) -> str:
        return self.environment[PREFIX + name]


class Client(Protocol):
    """What every client is asked to do."""

    def put_small(self, keys: Sequence[str], data: bytes) -> None:
        """Write `data` at each key, one request each."""

    def get_small(self, keys: Sequence[str]) -> int:
        """Read each key whole, and return how many bytes came."""

    def list(self, prefix: str) -> int:
        """List what is under the prefix, and return how many keys came."""

    def put_large(self, key: str, source: Path) -> None:
        """Write a file as an object in parts."""

    def get_large(self, key: str, size: int, place: Path) -> None:
        """Write an object of `size` bytes into a file, in ranges. Raises: AssertionError where fewer came."""


class Library(Client, ABC):
    """A client within the process: it sends and takes bytes in memory."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Write in one request."""

    @abstractmethod
    def get(self, key: str) -> Any:
        """Read whole."""

    @abstractmethod
    def get_range(self, key: str, start: int, stop: int) -> Any:
        """Read the bytes [start, stop)."""

    def put_small(self, keys: Sequence[str], data: bytes) -> None:
        """Write one after the other."""
        for key in keys:
            self.put(key, data)

    def get_small(self, keys: Sequence[str]) -> int:
        """Read one after the other."""
        return sum(len(self.get(key)) for key in keys)

    def get_large(self, key: str, size: int, place: Path) -> None:
        """Read range by range."""
        with place.open("wb", buffering=0) as file:
            starts = range(0, size, PART)
            _check(sum(file.write(self.get_range(key, start, min(start + PART, size))) for start in starts), size)


class Portable(Library):
    """What `open_backend` returns: every write with a CRC-64/NVME that the host compares, every call ready to be repeated."""

    def __init__(self, target: Target) -> None:
        from portable.backends.location import Location
        from portable.backends.registry import open_backend

        url = f"{target.scheme}://{target.container}"
        self._backend = open_backend(Location(url, credentials=f"env:{PREFIX}", provider=target.provider))

    def put(self, key: str, data: bytes) -> None:
        """`Backend.put`."""
        self._backend.put(key, data)

    def get(self, key: str) -> Any:
        """`Backend.get`."""
        return self._backend.get(key).data

    def get_range(self, key: str, start: int, stop: int) -> Any:
        """`Backend.get` of a range."""
        return self._backend.get(key, start, stop).data

    def list(self, prefix: str) -> int:
        """`Backend.list`."""
        return sum(1 for _ in self._backend.list(prefix))

    def put_large(self, key: str, source: Path) -> None:
        """`Backend.begin`, a `part` for each part, `commit`."""
        upload = self._backend.begin(key)
        for number, data in enumerate(_parts(source)):
            upload.part(number, data)
        upload.commit()


class Obstore(Library):
    """The bare library: to S3 it signs the SHA-256 of every body, to Azure it sends no checksum."""

    def __init__(self, target: Target) -> None:
        import obstore
        from obstore.store import AzureStore, S3Store

        self._obstore = obstore
        self._store: Any
        if target.scheme == "s3":
            self._store = S3Store(
                target.container,
                endpoint=target["AWS_ENDPOINT_URL"],
                region=target["AWS_REGION"],
                access_key_id=target["AWS_ACCESS_KEY_ID"],
                secret_access_key=target["AWS_SECRET_ACCESS_KEY"],
                client_options={"allow_http": True},
            )
        else:
            self._store = AzureStore(
                target.container,
                account_name=target["AZURE_STORAGE_ACCOUNT"],
                account_key=target["AZURE_STORAGE_KEY"],
                endpoint=target["AZURE_STORAGE_ENDPOINT"],
                client_options={"allow_http": True},
            )

    def put(self, key: str, data: bytes) -> None:
        """`obstore.put`, never in parts."""
        self._obstore.put(self._store, key, data, use_multipart=False)

    def get(self, key: str) -> Any:
        """`obstore.get`."""
        return self._obstore.get(self._store, key).bytes()

    def get_range(self, key: str, start: int, stop: int) -> Any:
        """`obstore.get_range`."""
        return self._obstore.get_range(self._store, key, start=start, end=stop)

    def list(self, prefix: str) -> int:
        """`obstore.list`, every page."""
        return sum(len(page) for page in self._obstore.list(self._store, prefix))

    def put_large(self, key: str, source: Path) -> None:
        """`obstore.put` of a file, in parts."""
        self._obstore.put(self._store, key, source, use_multipart=True, chunk_size=PART, max_concurrency=1)


class Boto3(Library):
    """Amazon's SDK, which sends a CRC32 after every body, and compares those that hosts return."""

    def __init__(self, target: Target) -> None:
        import boto3
        from boto3.s3.transfer import TransferConfig

        session = boto3.session.Session(target["AWS_ACCESS_KEY_ID"], target["AWS_SECRET_ACCESS_KEY"])
        self._client = session.client("s3", endpoint_url=target["AWS_ENDPOINT_URL"], region_name=target["AWS_REGION"])
        self._transfer = TransferConfig(
            multipart_threshold=PART, multipart_chunksize=PART, use_threads=False, preferred_transfer_client="classic"
        )
        self._bucket = target.container

    def put(self, key: str, data: bytes) -> None:
        """PutObject."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def get(self, key: str) -> Any:
        """GetObject."""
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def get_range(self, key: str, start: int, stop: int) -> Any:
        """GetObject with a range."""
        return self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-{stop - 1}")["Body"].read()

    def list(self, prefix: str) -> int:
        """ListObjectsV2, every page."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return sum(len(page["Contents"]) for page in pages)

    def put_large(self, key: str, source: Path) -> None:
        """`upload_file` of the transfer manager."""
        self._client.upload_file(str(source), self._bucket, key, Config=self._transfer)


class AzureSdk(Library):
    """Microsoft's SDK, azure-storage-blob, which sends no checksum."""

    def __init__(self, target: Target) -> None:
        from azure.storage.blob import ContainerClient

        self._container = ContainerClient(
            target["AZURE_STORAGE_ENDPOINT"],
            target.container,
            credential={"account_name": target["AZURE_STORAGE_ACCOUNT"], "account_key": target["AZURE_STORAGE_KEY"]},
            max_block_size=PART,
            max_single_put_size=PART,
        )

    def put(self, key: str, data: bytes) -> None:
        """Put Blob."""
        self._container.upload_blob(key, data, overwrite=True)

    def get(self, key: str) -> Any:
        """Get Blob."""
        return self._container.download_blob(key).readall()

    def get_range(self, key: str, start: int, stop: int) -> Any:
        """Get Blob with a range."""
        return self._container.download_blob(key, start, stop - start).readall()

    def list(self, prefix: str) -> int:
        """List Blobs, every page."""
        return sum(1 for _ in self._container.list_blobs(prefix))

    def put_large(self, key: str, source: Path) -> None:
        """Put Block for each part, and Put Block List."""
        with source.open("rb") as file:
            self._container.upload_blob(key, file, overwrite=True, max_concurrency=1)


class Fsspec(Library):
    """s3fs, which sends what boto3 sends, or adlfs: the calls that are not asynchronous, and no cache of listings."""

    def __init__(self, target: Target) -> None:
        from fsspec import filesystem

        options: dict[str, Any]
        if target.scheme == "s3":
            options = {
                "key": target["AWS_ACCESS_KEY_ID"],
                "secret": target["AWS_SECRET_ACCESS_KEY"],
                "endpoint_url": target["AWS_ENDPOINT_URL"],
                "client_kwargs": {"region_name": target["AWS_REGION"]},
            }
        else:
            account, key = target["AZURE_STORAGE_ACCOUNT"], target["AZURE_STORAGE_KEY"]
            endpoint = target["AZURE_STORAGE_ENDPOINT"]
            options = {"connection_string": f"AccountName={account};AccountKey={key};BlobEndpoint={endpoint}"}
        self._files = filesystem({"s3": "s3", "az": "abfs"}[target.scheme], max_concurrency=1, **options)
        self._root = f"{target.container}/"

    def put(self, key: str, data: bytes) -> None:
        """`pipe_file`."""
        self._files.pipe_file(self._root + key, data)

    def get(self, key: str) -> Any:
        """`cat_file`."""
        return self._files.cat_file(self._root + key)

    def get_range(self, key: str, start: int, stop: int) -> Any:
        """`cat_file` of a range."""
        return self._files.cat_file(self._root + key, start=start, end=stop)

    def list(self, prefix: str) -> int:
        """`find` with details."""
        self._files.invalidate_cache()
        return len(self._files.find(self._root + prefix, detail=True))

    def put_large(self, key: str, source: Path) -> None:
        """`open` for writing, with blocks of one part."""
        with self._files.open(self._root + key, "wb", block_size=PART) as file:
            for data in _parts(source):
                file.write(data)


class Rclone:
    """The rclone program: a process for each call, which copies a folder or a file, and compares MD5 where the host has one."""

    def __init__(self, target: Target) -> None:
        from tests.servers import programs

        options = _RCLONE_S3 if target.scheme == "s3" else _RCLONE_AZURE
        given = {f"RCLONE_CONFIG_BENCH_{name}": target.environment.get(value, value) for name, value in options.items()}
        self._environment = {**os.environ, **given}
        self._command = [str(programs.rclone()), "--config=/dev/null", *_RCLONE_OPTIONS]
        self._root, self._folder = f"bench:{target.container}/", target.folder

    def put_small(self, keys: Sequence[str], data: bytes) -> None:
        """Copy the folder `small`, which holds as many files of the same data."""
        if len(data) * len(keys) != sum(file.stat().st_size for file in (self._folder / "small").iterdir()):
            raise AssertionError("the folder holds other files than are to be written")
        self._run("copy", "--ignore-times", str(self._folder / "small"), self._root + _folder_of(keys))

    def get_small(self, keys: Sequence[str]) -> int:
        """Copy the folder back."""
        place = self._folder / "got-rclone"
        self._run("copy", "--ignore-times", self._root + _folder_of(keys), str(place))
        return sum(file.stat().st_size for file in place.iterdir())

    def list(self, prefix: str) -> int:
        """`rclone lsf` with path, size and time."""
        return self._run("lsf", "--format=pst", self._root + prefix).count(b"\n")

    def put_large(self, key: str, source: Path) -> None:
        """Copy the file."""
        self._run("copyto", "--ignore-times", str(source), self._root + key)

    def get_large(self, key: str, size: int, place: Path) -> None:
        """Copy it back."""
        self._run("copyto", "--ignore-times", self._root + key, str(place))
        _check(place.stat().st_size, size)

    def _run(self, *arguments: str) -> bytes:
        return subprocess.run([*self._command, *arguments], env=self._environment, check=True, stdout=subprocess.PIPE).stdout


CLIENTS: Final[Mapping[str, Callable[[Target], Client]]] = {
    "portable": Portable,
    "obstore": Obstore,
    "boto3": Boto3,
    "azure-storage-blob": AzureSdk,
    "s3fs": Fsspec,
    "adlfs": Fsspec,
    "rclone": Rclone,
}
_RCLONE_OPTIONS: Final = (
    "--transfers=1",
    "--checkers=1",
    "--multi-thread-streams=1",
    f"--s3-chunk-size={PART}B",
    f"--s3-upload-cutoff={PART}B",
    "--s3-upload-concurrency=1",
    f"--azureblob-chunk-size={PART}B",
    "--azureblob-upload-concurrency=1",
)
_RCLONE_S3: Final = {
    "TYPE": "s3",
    "PROVIDER": "Other",
    "NO_CHECK_BUCKET": "true",
    "ENDPOINT": f"{PREFIX}AWS_ENDPOINT_URL",
    "REGION": f"{PREFIX}AWS_REGION",
    "ACCESS_KEY_ID": f"{PREFIX}AWS_ACCESS_KEY_ID",
    "SECRET_ACCESS_KEY": f"{PREFIX}AWS_SECRET_ACCESS_KEY",
}
_RCLONE_AZURE: Final = {
    "TYPE": "azureblob",
    "NO_CHECK_CONTAINER": "true",
    "ENDPOINT": f"{PREFIX}AZURE_STORAGE_ENDPOINT",
    "ACCOUNT": f"{PREFIX}AZURE_STORAGE_ACCOUNT",
    "KEY": f"{PREFIX}AZURE_STORAGE_KEY",
}


def _parts(source: Path) -> Iterator[memoryview]:
    """Yield the parts of a file, one after the other, in one buffer."""
    buffer = memoryview(bytearray(PART))
    with source.open("rb", buffering=0) as file:
        while length := file.readinto(buffer):
            yield buffer[:length]


def _check(length: int, size: int) -> None:
    if length != size:
        raise AssertionError(f"{length} bytes came, not {size}")


def _folder_of(keys: Sequence[str]) -> str:
    return keys[0].rpartition("/")[0]
