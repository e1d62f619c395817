"""`portable catalog set`: how the home of a volume that is not moving is described. It moves no object."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from portable.backends.location import same_store
from portable.catalog.entry import Entry, Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import revised
from portable.cli.catalog.options import AuthorityPath, CatalogPath, StorageClass, VolumeName, authority_file
from portable.cli.confirmation import confirm
from portable.cli.identity import AskedIdentity
from portable.cli.output import out
from portable.cli.store_options import takes
from portable.errors import ConfigurationError, RefusedError
from portable.keys.authority import Authority, AuthorityPublic
from portable.opening import volume_keys

_DESCRIBING: Final = ("url", "endpoint", "region", "account", "provider", "credentials", "storage_class")
"""The fields of a home that say where its store is, and how objects are put there."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What the entry is to say from now on. What is None stays as it is; an empty value removes what is there."""

    url: Annotated[str | None, typer.Option(metavar="URL", help="Another store, where the same objects are already.")] = None
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="Endpoint of the host.")] = None
    region: Annotated[str | None, typer.Option(help="Region of the host.")] = None
    account: Annotated[str | None, typer.Option(help="Storage account (Azure).")] = None
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="Kind of S3 server, where it is not Amazon's.")] = None
    credentials: Annotated[
        str | None, typer.Option(metavar="REF", help="env:PREFIX_, profile:NAME or default; never a secret.")
    ] = None
    storage_class: StorageClass = None
    keyring: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the keyring lies now.")] = None
    volume: Annotated[str | None, typer.Option(metavar="NAME", help="The volume's name in the keyring.")] = None
    clear: Annotated[bool, typer.Option("--clear", help="The store holds plaintext from now on; asks for typed consent.")] = (
        False
    )


@takes(Changes, "changes")
def set_(
    catalog: CatalogPath,
    name: VolumeName,
    changes: Changes,
    authority: AuthorityPath = None,
    lease: Annotated[float | None, typer.Option(metavar="SECONDS", min=0.5, help="How long clients may use the entry.")] = None,
) -> None:
    """Change how a volume's home is described, signed, and only over the entry that was read. An empty value removes.

    No object is moved: `portable migrate` does that. Refused (exit status 3) while a migration moves the volume.

    Example: portable catalog set catalog.json lake --region fr-par --credentials profile:scw
    """
    opened = LocalCatalog(catalog)
    standing = opened.read(name, None)
    file = authority_file(authority, changes.keyring or _keyring(opened, standing.home), opened.path)
    trusted = AuthorityPublic.read(file).fingerprint
    standing = opened.read(name, trusted)
    _ = revised(standing, home=standing.home, lease=standing.lease)  # refuses a volume that is moving, before anybody is asked
    home = _sealed_or_clear(opened, standing, changes, trusted)
    _ = home.location  # refuses what is no store's address
    entry = revised(standing, home=home, lease=standing.lease if lease is None else lease)
    if (entry.home, entry.lease) == (standing.home, standing.lease):
        raise ConfigurationError(f"nothing to change: the entry of {name!r} says so already")
    _consent(name, standing.home, home)
    signer = Authority.load(file, AskedIdentity.of_authority())
    opened.compare_and_swap(name, standing.write_id, sign_entry(entry, signer), trusted)
    out().print(f"{name}: generation {entry.generation}; clients that run follow within {entry.outstanding:g} s")


def _sealed_or_clear(opened: LocalCatalog, standing: Entry, changes: Changes, trusted: str) -> Home:
    """Return the home with the changes; a keyring that is named must hold the volume's keys, and is opened to see that."""
    home = msgspec.structs.replace(standing.home, **_described(changes))
    if changes.clear:
        if changes.keyring is not None or changes.volume is not None:
            raise ConfigurationError("a store in clear has no keyring: leave out --keyring and --volume, or --clear")
        return msgspec.structs.replace(home, mode="clear", keyring=None, volume=None, volume_id=None)
    if changes.keyring is None and changes.volume is None:
        return home
    keyring = changes.keyring or _keyring(opened, home)
    if keyring is None:
        raise ConfigurationError("--volume names a volume of a keyring: say --keyring too")
    volume = changes.volume or home.volume or standing.name
    found = volume_keys(keyring, volume, authority=trusted, identity=AskedIdentity()).volume_id.hex()
    if home.volume_id not in (None, found):
        raise RefusedError(
            f"the volume {volume!r} of {keyring} is another one ({found}) than the one whose objects are at {home.url} "
            f"({home.volume_id}): its keys open none of them"
        )
    return msgspec.structs.replace(home, mode="sealed", keyring=opened.reference(keyring), volume=volume, volume_id=found)


def _described(changes: Changes) -> dict[str, Any]:
    """Return the fields of a home that say where its store is, as far as they change."""
    given = {name: getattr(changes, name) for name in _DESCRIBING}
    empty = {"credentials": "default"}
    if given["url"] == "":
        raise ConfigurationError("a home has a URL: say which, or leave out --url")
    return {name: value or empty.get(name) for name, value in given.items() if value is not None}


def _consent(name: str, before: Home, after: Home) -> None:
    """Have typed what cannot be taken back. Raises: RefusedError."""
    warnings = []
    if not same_store(before.location, after.location):
        warnings.append(
            f"{before.url} is no longer the home of {name!r}, and no object is moved to {after.url}. What is missing there is "
            "missing to every client, and what writers that run still write to the old store is lost to readers."
        )
    if before.mode == "clear" and after.mode == "sealed":
        warnings.append(f"Objects that lie at {after.url} in clear cannot be read any more.")
    if before.mode == "sealed" and after.mode == "clear":
        warnings.append(
            f"Every client writes PLAINTEXT to {after.url} from its next lease on, and reads no encrypted object any more."
        )
        confirm(f"clear {name}", "\n".join(warnings))
    elif warnings:
        confirm(name, "\n".join(warnings))


def _keyring(opened: LocalCatalog, home: Home) -> Path | None:
    return opened.folder / home.keyring if home.keyring else None
