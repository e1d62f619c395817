"""Stores of every kind, for volumes that a run shares. Each returns its address, and the variables that open it."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

Address = dict[str, str]
Variables = dict[str, str]


def local(_: Callable[[str], Any], folder: Path) -> tuple[Address, Variables]:
    made = folder / uuid.uuid4().hex
    made.mkdir()
    return {"url": made.as_uri()}, {}


def memory(_: Callable[[str], Any], __: Path) -> tuple[Address, Variables]:
    return {"url": f"memory://{uuid.uuid4().hex}"}, {}


def s3(server: Callable[[str], Any], _: Path) -> tuple[Address, Variables]:
    seaweedfs = server("seaweedfs")
    url = f"s3://{seaweedfs.make_bucket()}/below"
    return {"url": url, "provider": "seaweedfs", "credentials": "env:SUITE_"}, seaweedfs.env("SUITE_")


def azure(server: Callable[[str], Any], _: Path) -> tuple[Address, Variables]:
    azurite = server("azurite")
    return {"url": f"az://{azurite.make_container()}", "credentials": "env:SUITE_"}, azurite.env("SUITE_")


PLACES: dict[str, Callable[[Callable[[str], Any], Path], tuple[Address, Variables]]] = {
    place.__name__: place for place in (local, memory, s3, azure)
}
