"""What ETL code does with a lake, as the libraries' own documentation has it: through `portable://`, s3fs, pyarrow, or boto3.

Every job checks that what it asked for came. All read and write the same objects; those of `portable://` are encrypted.
"""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "BENCH_"
"""Stands before the variables that hold the server's credentials."""
TABLE: Final = "table.parquet"
WARM: Final = "warm"
"""Key of an object that is written and read before anything is measured."""
COLUMNS: Final = ("c02", "c09", "c17")
BLOCK: Final = 8 * 2**20
"""Bytes that are handed over at once where a large object is written."""
THREADS: Final = 16


@dataclass(frozen=True, slots=True)
class Amount:
    """How much there is of everything."""

    rows: int
    """Rows of the table, of 20 columns of 8 bytes each."""
    listed: int
    written: int
    """Bytes, a multiple of `BLOCK`."""
    small: int
    """Objects of 8 KiB that are opened."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the objects are, and how clients get there."""

    endpoint: str
    bucket: str
    """Objects in clear."""
    volume: str
    """The same objects, encrypted, by the name of their volume in the catalog."""
    environment: Mapping[str, str]
    """Variables of the credentials, with `PREFIX`, and of `portable`."""
    amount: Amount
    one_by_one: int
    """How many of the small objects are opened one after the other."""

    def __getitem__(self, name: str) -> str:
        return self.environment[PREFIX + name]


class Fsspec:
    """A filesystem of fsspec, by a URL and options: what pandas, pyarrow and others take."""

    def __init__(self, place: Place, root: str, options: Mapping[str, Any]) -> None:
        from fsspec.core import url_to_fs

        self._place, self._root, self._options = place, root, dict(options)
        self._files, self._path = url_to_fs(root, **options)

    def warm(self) -> None:
        """Connect, and load what is loaded once."""
        self._files.pipe_file(f"{self._path}/{WARM}", LITTLE)
        self._files.cat_file(f"{self._path}/{WARM}")

    def columns(self) -> None:
        """`pandas.read_parquet` of a URL."""
        import pandas as pd

        found = pd.read_parquet(f"{self._root}/{TABLE}", columns=list(COLUMNS), storage_options=self._options)
        _check("values", found.size, self._place.amount.rows * len(COLUMNS))

    def columns_best(self) -> None:
        """`fsspec.parquet.open_parquet_file`, which asks for what the columns need at once."""
        import pandas as pd
        from fsspec.parquet import open_parquet_file

        url = f"{self._root}/{TABLE}"
        with open_parquet_file(url, columns=list(COLUMNS), storage_options=self._options, engine="pyarrow") as file:
            found = pd.read_parquet(file, columns=list(COLUMNS))
        _check("values", found.size, self._place.amount.rows * len(COLUMNS))

    def scan(self) -> None:
        """`pyarrow.dataset`, batch by batch, every column."""
        _scan(f"{self._path}/{TABLE}", self._files, self._place)

    def list(self) -> None:
        """`find` with details."""
        self._files.invalidate_cache()
        _check("objects", len(self._files.find(f"{self._path}/listed", detail=True)), self._place.amount.listed)

    def write(self) -> None:
        """`open` for writing, with the block size that is the filesystem's own."""
        with self._files.open(f"{self._path}/written", "wb") as file:
            for block in blocks(self._place.amount):
                file.write(block)

    def open_each(self) -> None:
        """`open` and `read`, one after the other."""
        length = 0
        for number in range(self._place.one_by_one):
            with self._files.open(f"{self._path}/{small(number)}", "rb") as file:
                length += len(file.read())
        _check("bytes", length, self._place.one_by_one * len(LITTLE))

    def open_best(self) -> None:
        """`cat` of a pattern, which lists their folder once, asks about none of them, and reads many at once."""
        found = self._files.cat(f"{self._path}/small/*")
        _check("bytes", sum(len(data) for data in found.values()), self._place.amount.small * len(LITTLE))


class Portable(Fsspec):
    """`portable://`: the catalog and the identity come from the environment."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, f"portable://{place.volume}", {})


class S3fs(Fsspec):
    """`s3://` through s3fs."""

    def __init__(self, place: Place) -> None:
        options = {
            "key": place["AWS_ACCESS_KEY_ID"],
            "secret": place["AWS_SECRET_ACCESS_KEY"],
            "endpoint_url": place.endpoint,
            "client_kwargs": {"region_name": place["AWS_REGION"]},
        }
        super().__init__(place, f"s3://{place.bucket}", options)


class Arrow:
    """pyarrow's own filesystem for S3, which is the C++ SDK."""

    def __init__(self, place: Place) -> None:
        from pyarrow.fs import S3FileSystem

        self._place, self._path = place, place.bucket
        self._files = S3FileSystem(
            access_key=place["AWS_ACCESS_KEY_ID"],
            secret_key=place["AWS_SECRET_ACCESS_KEY"],
            region=place["AWS_REGION"],
            endpoint_override=place.endpoint.removeprefix("http://"),
            scheme="http",
        )

    def warm(self) -> None:
        """Connect, and load what is loaded once."""
        with self._files.open_output_stream(f"{self._path}/{WARM}") as file:
            file.write(LITTLE)
        self._read(WARM)

    def columns(self) -> None:
        """`pandas.read_parquet` with `filesystem`."""
        import pandas as pd

        found = pd.read_parquet(f"{self._path}/{TABLE}", columns=list(COLUMNS), filesystem=self._files)
        _check("values", found.size, self._place.amount.rows * len(COLUMNS))

    def scan(self) -> None:
        """`pyarrow.dataset`, batch by batch, every column."""
        _scan(f"{self._path}/{TABLE}", self._files, self._place)

    def list(self) -> None:
        """`get_file_info` of a selector."""
        from pyarrow.fs import FileSelector

        found = self._files.get_file_info(FileSelector(f"{self._path}/listed", recursive=True))
        _check("objects", len(found), self._place.amount.listed)

    def write(self) -> None:
        """`open_output_stream`, which sends parts in the background."""
        with self._files.open_output_stream(f"{self._path}/written") as file:
            for block in blocks(self._place.amount):
                file.write(block)

    def open_each(self) -> None:
        """`open_input_file` and `read`, one after the other."""
        count = self._place.one_by_one
        _check("bytes", sum(self._read(small(number)) for number in range(count)), count * len(LITTLE))

    def open_best(self) -> None:
        """Do the same in threads."""
        count = self._place.amount.small
        with ThreadPoolExecutor(THREADS) as pool:
            _check("bytes", sum(pool.map(self._read, map(small, range(count)))), count * len(LITTLE))

    def _read(self, key: str) -> int:
        with self._files.open_input_file(f"{self._path}/{key}") as file:
            return len(file.read())


class Boto3:
    """Amazon's SDK, for what one lists with."""

    def __init__(self, place: Place) -> None:
        import boto3

        session = boto3.session.Session(place["AWS_ACCESS_KEY_ID"], place["AWS_SECRET_ACCESS_KEY"])
        self._client = session.client("s3", endpoint_url=place.endpoint, region_name=place["AWS_REGION"])
        self._place = place

    def warm(self) -> None:
        """Connect, and load what is loaded once."""
        self._client.put_object(Bucket=self._place.bucket, Key=WARM, Body=LITTLE)
        self._client.get_object(Bucket=self._place.bucket, Key=WARM)["Body"].read()

    def list(self) -> None:
        """ListObjectsV2, every page."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._place.bucket, Prefix="listed/")
        _check("objects", sum(len(page["Contents"]) for page in pages), self._place.amount.listed)


CLIENTS: Final[Mapping[str, Callable[[Place], Any]]] = {"portable": Portable, "s3fs": S3fs, "pyarrow": Arrow, "boto3": Boto3}
LITTLE: Final = bytes(range(256)) * 32
"""A small object, of 8 KiB."""


def small(number: int) -> str:
    """Return the key of a small object."""
    return f"small/{number:05}"


def listed(number: int) -> str:
    """Return the key of an object that is listed."""
    return f"listed/{number:06}"


def blocks(amount: Amount) -> Iterator[memoryview]:
    """Yield what is written, from one buffer: random, and never the same twice in a row at one place."""
    data = random_data()
    for number in range(amount.written // BLOCK):
        yield data[number % len(LITTLE) :][:BLOCK]


@functools.cache
def random_data() -> memoryview:
    """Return a little more than a block of bytes that no compression makes smaller."""
    return memoryview(os.urandom(BLOCK + len(LITTLE)))


def _scan(path: str, files: Any, place: Place) -> None:
    from pyarrow import dataset

    batches = dataset.dataset(path, filesystem=files, format="parquet").to_batches()
    _check("rows", sum(batch.num_rows for batch in batches), place.amount.rows)


def _check(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise AssertionError(f"{found} {what} came, not {expected}")
