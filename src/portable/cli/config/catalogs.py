"""Whether the catalog can be read, and whom this machine trusts for it. Changes no pin."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from portable.catalog.local import LocalCatalog
from portable.catalog.pins import Pins
from portable.cli.config.findings import Finding, failed
from portable.config import DEFAULT, Resolved
from portable.errors import PortableError
from portable.keys.durable import may_write


@dataclass(frozen=True, slots=True)
class Trust:
    """The catalog of this process, and which authority it believes."""

    catalog: LocalCatalog
    pins: Pins
    authority: str | None
    """None where nothing was pinned yet: the first use pins whoever signed."""


def trust(resolved: Resolved) -> Trust | None:
    """Return what is trusted, or None where no catalog is named. Raises: ConfigurationError (the pins cannot be read)."""
    found = resolved.settings
    if found.catalog is None:
        return None
    catalog, pins = LocalCatalog(found.catalog), Pins(found.state)
    return Trust(catalog, pins, found.authority or pins.authority(str(catalog.path)))


def catalog_findings(trusted: Trust | None) -> Iterator[Finding]:
    """Yield whether the catalog is there, and what this process may do with it."""
    if trusted is None:
        remedy = "set PORTABLE_CATALOG, or `catalog` in portable.toml; stores named by their own URL need none"
        yield Finding("catalog", "failed", "no catalog is named, and portable:// needs one", remedy)
        return
    catalog = trusted.catalog
    try:
        count = len(catalog.names())
    except PortableError as error:
        yield failed("catalog", error, "name the catalog's file, and see that this user may read it")
        return
    yield Finding("catalog", "ok", f"{catalog.path}: {count} {'entry' if count == 1 else 'entries'}")
    if not catalog.may_change:
        yield Finding(
            "catalog",
            "note",
            "this process may read the catalog and not change it: enough to read and write objects, also through a cutover, "
            "but it leaves no report on a move that is announced, and does not end one that is stuck",
            f"let this user write in {catalog.folder} where it should, or runs `portable catalog` or `portable migrate`",
        )


def authority_findings(trusted: Trust, resolved: Resolved) -> Iterator[Finding]:
    """Yield whom this machine believes, and whether it can remember that."""
    if resolved.origins["authority"] != DEFAULT:
        yield Finding("authority", "ok", f"{trusted.authority}, configured")
    elif trusted.authority is not None:
        yield Finding("authority", "ok", f"{trusted.authority}, pinned when this machine first used the catalog")
    else:
        yield Finding(
            "authority",
            "note",
            "none is configured or pinned: the first use of the catalog trusts whoever signed what it finds",
            "set PORTABLE_AUTHORITY to the fingerprint that `portable keys show` prints at the controller's",
        )
    state = resolved.settings.state
    nearest = next(folder for folder in (state, *state.parents) if os.path.lexists(folder))
    if not may_write(nearest):
        yield Finding(
            "state",
            "failed",
            f"this process may not write in {nearest}, for its pins",
            "set PORTABLE_STATE to a folder of its own",
        )
