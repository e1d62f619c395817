"""Commands on objects: `ls`, `stat`, `cat`, `get`, `put`, `rm`, `cp`.

A URL is `portable://NAME/key`, or a store's URL; `--root` then says where the store ends and the key begins.
"""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.table import Table

from portable.backends.protocol import ABSENT, ANY
from portable.cli.identity import AskedIdentity
from portable.cli.output import out, print_json
from portable.cli.store_options import ObjectOptions, takes
from portable.errors import AlreadyExists, ConfigurationError
from portable.leased import LeasedVolume
from portable.opening import open_volume
from portable.volume import ObjectInfo, Volume
from portable.volume.reading import chunks

Url = Annotated[str, typer.Argument(metavar="URL", help="portable://NAME/key, or the URL of an object in a store.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Place(NamedTuple):
    """An open volume and a key, or the start of keys, in it."""

    volume: Volume | LeasedVolume
    key: str


@takes(ObjectOptions)
def ls(
    url: Url,
    store: ObjectOptions,
    as_json: AsJson = False,
) -> None:
    """List the objects whose keys start with the URL's key.

    Example: portable ls portable://lake/2024/
    """
    place = locate(url, store)
    found = sorted(place.volume.list(place.key), key=lambda info: info.key)
    if as_json:
        print_json([_facts(info) for info in found])
        return
    console = out()
    if not console.is_terminal:
        for info in found:
            console.print(f"{info.size}\t{info.modified:%Y-%m-%dT%H:%M:%SZ}\t{info.key}")
        return
    table = Table("bytes", "modified (UTC)", "key", box=None)
    for info in found:
        table.add_row(str(info.size), f"{info.modified:%Y-%m-%d %H:%M:%S}", info.key)
    console.print(table)


@takes(ObjectOptions)
def stat(
    url: Url,
    store: ObjectOptions,
    as_json: AsJson = False,
) -> None:
    """Describe one object: its length and metadata are authenticated.

    Example: portable stat s3://lake-eu/a/b.parquet --keyring keyring.json --volume lake
    """
    place = locate(url, store)
    facts = _facts(place.volume.info(place.key))
    if as_json:
        print_json(facts)
        return
    table = Table(box=None, show_header=False)
    for name, value in facts.items():
        table.add_row(name, str(value))
    out().print(table)


@takes(ObjectOptions)
def cat(
    url: Url,
    store: ObjectOptions,
) -> None:
    """Write an object's plaintext to standard output.

    Example: portable cat portable://lake/notes.txt
    """
    place = locate(url, store)
    for chunk in chunks(place.volume.reader(place.key)):
        sys.stdout.buffer.write(chunk)


@takes(ObjectOptions)
def get(
    url: Url,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to put the plaintext; must not exist.")],
    store: ObjectOptions,
) -> None:
    """Fetch an object into a new local file; nothing is left behind when that fails.

    Example: portable get portable://lake/a/b.parquet b.parquet
    """
    place = locate(url, store)
    if file.exists():
        raise AlreadyExists(f"{file} exists: name a new file")
    reader = place.volume.reader(place.key)
    draft = file.with_name(f".{file.name}.part")
    try:
        with draft.open("wb") as stream:
            for chunk in chunks(reader):
                stream.write(chunk)
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)


@takes(ObjectOptions)
def put(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A local file.", exists=True, dir_okay=False)],
    url: Url,
    store: ObjectOptions,
    create: Annotated[bool, typer.Option("--create", help="Refuse to overwrite.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a local file as an object, all or nothing.

    Example: portable put b.parquet portable://lake/a/b.parquet
    """
    place = locate(url, store)
    with file.open("rb") as stream:
        info = place.volume.write(place.key, stream, expect=ABSENT if create else ANY)
    if as_json:
        print_json(_facts(info))


@takes(ObjectOptions)
def rm(
    url: Url,
    store: ObjectOptions,
) -> None:
    """Delete one object; an object that is not there is an error.

    Example: portable rm portable://lake/a/b.parquet
    """
    place = locate(url, store)
    place.volume.info(place.key)
    place.volume.delete(place.key)


def cp(
    source: Annotated[str, typer.Argument(metavar="URL", help="portable://NAME/key")],
    target: Annotated[str, typer.Argument(metavar="URL", help="portable://NAME/key")],
) -> None:
    """Copy an object within or between volumes of the catalog; it is written as a new message, with its metadata.

    Example: portable cp portable://lake/a.csv portable://lake/archive/a.csv
    """
    here, there = locate(source, ObjectOptions()), locate(target, ObjectOptions())
    reader = here.volume.reader(here.key)
    info = reader.info
    there.volume.write(there.key, chunks(reader), attributes=info.attributes, modified=info.modified)


def locate(url: str, store: ObjectOptions) -> Place:
    """Open the volume that holds a URL, and return it with the URL's key. Raises: ConfigurationError, NotFound, KeysError."""
    if url.startswith("portable://"):
        _refuse_options_of_a_store(store)
        name, _, key = url.removeprefix("portable://").partition("/")
        return Place(open_volume(f"portable://{name}", keyring=store.keyring, identity=AskedIdentity()), key)
    address, key = split(url, store.root)
    opened = open_volume(
        address,
        keyring=store.keyring,
        volume=store.volume,
        identity=AskedIdentity(),
        endpoint=store.endpoint,
        region=store.region,
        account=store.account,
        credentials=store.credentials,
        provider=store.provider,
    )
    return Place(opened, key)


def _refuse_options_of_a_store(store: ObjectOptions) -> None:
    """Raise ConfigurationError for options that say where a store is: the catalog says that of a `portable://` URL."""
    given = [field.name for field in fields(store) if field.name != "keyring" and getattr(store, field.name) != field.default]
    if given:
        raise ConfigurationError(f"the catalog says where a portable:// URL leads: leave out --{', --'.join(given)}")


def split(url: str, root: str | None) -> tuple[str, str]:
    """Return the store's URL and the key of an object's URL. URLs are literal, never percent-decoded.

    Raises: ConfigurationError (the URL does not lie under `root`, or has no scheme).
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ConfigurationError("an argument is not a URL: write portable://NAME/key, s3://, az:// or file:///")
    if root is None:
        head, _, tail = rest.rpartition("/") if scheme == "file" else rest.partition("/")
        return f"{scheme}://{head}", tail
    base = root.rstrip("/")
    if url != base and not url.startswith(f"{base}/"):
        raise ConfigurationError("the URL does not lie under --root: it begins with it, up to a slash")
    return base, url[len(base) + 1 :]


def _facts(info: ObjectInfo) -> dict[str, Any]:
    attributes = info.attributes
    known = {
        "key": info.key,
        "size": info.size,
        "modified": info.modified.isoformat(),
        "stored_size": info.stat.size,
        "etag": info.etag,
        "message_id": info.message_id.hex() if info.message_id else None,
    }
    if attributes is not None:
        known |= msgspec.to_builtins(attributes)
    return {name: value for name, value in known.items() if value not in (None, {})}
