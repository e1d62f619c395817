"""`portable gc`: staged uploads that nobody finished. They take room, which hosts charge for, and no listing shows them."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import typer
from rich.table import Table

from portable.backends.location import Location
from portable.backends.protocol import Backend, Unfinished
from portable.catalog.homes import Homes
from portable.catalog.local import LocalCatalog
from portable.catalog.pins import Pins
from portable.cli.output import err, out, print_json
from portable.cli.store_options import HostOptions, takes
from portable.config import settings
from portable.errors import ConfigurationError, NotFound, PortableError
from portable.opening import backend_at, trusted_authority, volume_name

DEFAULT_DAYS: Final = 7.0

State = Literal["old", "unknown age", "aborted", "gone", "still there", "failed"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """An unfinished upload that is old, or whose age nobody knows, and what became of it."""

    upload: Unfinished
    state: State
    problem: str | None = None


@takes(HostOptions, "host")
def gc(
    url: Annotated[str, typer.Argument(metavar="URL", help="portable://NAME, or the URL of a store.")],
    host: HostOptions,
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", min=0, help="Leave younger uploads alone: they may be at work.")
    ] = DEFAULT_DAYS,
    abort: Annotated[bool, typer.Option("--abort", help="Abort them, except those whose age the host does not tell.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List uploads that were begun, never finished, and are older than a week; with --abort, drop them.

    Exit status 1 with --abort if one is left: aborting it failed, the host lists it still, or its age is not known.

    Example: portable gc s3://lake-eu --region fr-par --older-than 30 --abort
    """
    backend = backend_at(_location(url, host))
    try:
        found = list(leftovers(backend.unfinished(), timedelta(days=older_than), datetime.now(UTC)))
        if abort:
            found = _checked(backend, [_aborted(backend, each) for each in found])
    finally:
        backend.close()
    _show(found, as_json=as_json)
    undone = [each for each in found if each.state not in ("aborted", "gone")]
    if abort and undone:
        err().print(f"portable: {len(undone)} of {len(found)} uploads are left")
        raise typer.Exit(1)


def leftovers(uploads: Iterable[Unfinished], age: timedelta, now: datetime) -> Iterator[Leftover]:
    """Choose the uploads that were begun `age` before `now` or earlier, and those of unknown age."""
    for upload in uploads:
        if upload.started is None:
            yield Leftover(upload, "unknown age")
        elif now - upload.started >= age:
            yield Leftover(upload, "old")


def _location(url: str, host: HostOptions) -> Location:
    if not url.startswith("portable://"):
        return Location(url=url, **asdict(host))
    if host != HostOptions():
        raise ConfigurationError(f"the catalog says where {url} leads: leave out the options of a store")
    return _home(url)


def _home(url: str) -> Location:
    """Return the store that is the home of `portable://NAME` now, as its signed entry says. No keyring is needed."""
    name, found = volume_name(url), settings()
    if url.rstrip("/") != f"portable://{name}":
        raise ConfigurationError(f"{url}: name the volume alone: portable://{name}")
    if found.catalog is None:
        raise ConfigurationError(f"nothing says where the catalog of {url} is: set PORTABLE_CATALOG")
    catalog, pins = LocalCatalog(found.catalog), Pins(found.state)
    return Homes(catalog, name, trusted_authority(catalog, name, found, pins), pins).lease().entry.home.location


def _aborted(backend: Backend, leftover: Leftover) -> Leftover:
    """Abort an old upload; the others stay as they are."""
    if leftover.state != "old":
        return leftover
    try:
        backend.resume(leftover.upload.key, leftover.upload.token).abort()
    except NotFound:
        return replace(leftover, state="gone")
    except PortableError as error:
        return replace(leftover, state="failed", problem=str(error))
    return replace(leftover, state="aborted")


def _checked(backend: Backend, found: list[Leftover]) -> list[Leftover]:
    """Look again, where any was aborted: Azure has no request for it, and drops staged blocks when a week is over."""
    if not any(each.state == "aborted" for each in found):
        return found
    left = {(upload.key, upload.token) for upload in backend.unfinished()}
    return [
        replace(each, state="still there") if each.state == "aborted" and (each.upload.key, each.upload.token) in left else each
        for each in found
    ]


def _show(found: list[Leftover], *, as_json: bool) -> None:
    if as_json:
        print_json([_facts(each) for each in found])
        return
    table = Table("begun (UTC)", "state", "key", box=None)
    for each in found:
        started = each.upload.started
        table.add_row(f"{started:%Y-%m-%d %H:%M:%S}" if started else "?", each.state, each.upload.key)
        if each.problem:
            err().print(f"portable: {each.problem}")
    out().print(table)


def _facts(leftover: Leftover) -> dict[str, Any]:
    upload = leftover.upload
    started = upload.started.isoformat() if upload.started else None
    facts = {"key": upload.key, "token": upload.token, "started": started, "state": leftover.state}
    return facts | ({"problem": leftover.problem} if leftover.problem else {})
