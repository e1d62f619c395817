"""Whether one volume could be opened now: its entry, keyring, identity, credentials and host."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from portable.backends.location import Location
from portable.catalog.entry import Entry, Home
from portable.cli.config.catalogs import Trust
from portable.cli.config.clocks import clock_finding
from portable.cli.config.environment import NAMING, credential_variables
from portable.cli.config.findings import Finding, failed
from portable.errors import ConfigurationError, Denied, NotFound, PortableError, UntrustedSignature
from portable.keys.checking import check
from portable.keys.keyring import Keyring
from portable.opening import backend_at, identity_from_environment

ANSWER_SECONDS: Final = 10.0
"""How long a host may take to answer, repetitions included."""

_PHASES: Final[Mapping[str, str]] = {
    "active": "",
    "announced": "; a migration is about to move it",
    "frozen": "; a migration is moving it, and writers wait",
    "flipped": "; a migration has moved it, and writers wait a moment longer",
}
_MOVING: Final = ("announced", "frozen")
"""The phases in which the store to come is in the entry, and every client must be able to open it."""
_MODES: Final[Mapping[str, str]] = {"sealed": "encrypted", "clear": "in clear: whoever reads the store reads its objects"}
_HOST_REMEDIES: Final[Mapping[type[PortableError], str]] = {
    NotFound: "make the container, bucket or folder, or correct the entry's URL (`portable catalog set --url`)",
    Denied: "see that these credentials are right, and may list and read the store",
}
_UNREACHABLE: Final = (
    "see that this machine reaches the endpoint (network, proxy, certificates), and that the entry names the right one"
)


def volume_findings(
    name: str, trusted: Trust, keyring: Path | None, *, offline: bool, environ: Mapping[str, str] = os.environ
) -> Iterator[Finding]:
    """Yield what was found of the volume, in the order in which a client comes to it. Pins nothing and writes nothing."""
    try:
        entry = trusted.catalog.read(name, trusted.authority)
        trusted.pins.compare(entry)
    except UntrustedSignature as error:
        yield failed("entry", error, "ask the controller which entry is right, and whether the authority changed", name)
        return
    except PortableError as error:
        yield failed("entry", error, "correct the name, or add the volume (`portable catalog add`)", name)
        return
    signed = f"signed by {'the trusted authority' if trusted.authority else entry.authority}"
    said = f"generation {entry.generation}, {entry.phase}{_PHASES[entry.phase]}; {signed}"
    yield Finding("entry", "ok", said, volume=name)
    yield from _home_findings(entry, entry.home, trusted, keyring, environ, offline=offline)
    if entry.other is not None and entry.phase in _MOVING:
        for finding in _home_findings(entry, entry.other, trusted, keyring, environ, offline=offline):
            yield replace(finding, subject=f"next {finding.subject}")


def _home_findings(
    entry: Entry, home: Home, trusted: Trust, keyring: Path | None, environ: Mapping[str, str], *, offline: bool
) -> Iterator[Finding]:
    try:
        location = home.location
    except ConfigurationError as error:
        yield failed("home", error, "correct the entry (`portable catalog set`)", entry.name)
        return
    yield Finding("home", "ok", f"{location.url}, {_MODES[home.mode]}", volume=entry.name)
    if home.mode == "sealed":
        yield from _keyring_findings(entry, home, trusted, keyring, environ)
    yield from _host_findings(entry.name, location, environ, offline=offline)


def _keyring_findings(
    entry: Entry, home: Home, trusted: Trust, own: Path | None, environ: Mapping[str, str]
) -> Iterator[Finding]:
    name = entry.name
    if home.keyring is None and own is None:
        yield Finding("keyring", "failed", "neither the entry nor the configuration names one", "set PORTABLE_KEYRING", name)
        return
    path = own or trusted.catalog.folder / str(home.keyring)
    try:
        keyring = Keyring.read(path, authority=entry.authority)
        seen = trusted.pins.keyring_generation(keyring.id.hex())
        if keyring.generation < seen:
            raise UntrustedSignature(f"{path} is generation {keyring.generation}, and {seen} was seen here before")
    except UntrustedSignature as error:
        yield failed("keyring", error, "get the newest keyring from the controller", name)
        return
    except PortableError as error:
        yield failed("keyring", error, "put the keyring there, or say where it is (PORTABLE_KEYRING)", name)
        return
    yield Finding("keyring", "ok", f"{path}: generation {keyring.generation}, both signatures hold", volume=name)
    yield from _identity_findings(name, home, keyring, environ)


def _identity_findings(name: str, home: Home, keyring: Keyring, environ: Mapping[str, str]) -> Iterator[Finding]:
    named = [each for each in NAMING if environ.get(each)]
    if not named:
        remedy = f"set one of {', '.join(NAMING)}"
        yield Finding("identity", "failed", "nothing says who this process is", remedy, name)
        return
    try:
        tried = check(keyring, identity_from_environment(environ))
    except PortableError as error:
        yield failed("identity", error, f"correct {', '.join(named)}", name)
        return
    opened = next((each for each in tried if each.outcome == "opened"), None)
    if opened is None:
        reasons = "; ".join(dict.fromkeys(each.reason for each in tried))
        remedy = "use an identity of one of its recipients, or have the controller add one (`portable keys add-recipient`)"
        yield Finding("identity", "failed", f"{', '.join(named)}: opens no recipient of the keyring ({reasons})", remedy, name)
        return
    recipient = opened.recipient
    words = f"recipient {recipient.label or recipient.id.hex()} ({recipient.protector.__struct_config__.tag})"
    yield Finding("identity", "ok", f"{', '.join(named)}: opens the keyring as {words}", volume=name)
    volumes = dict(zip(opened.volumes, opened.volume_ids, strict=True))
    if home.volume not in volumes:
        said = f"the keyring holds no volume {home.volume!r}; it has: {', '.join(volumes) or 'none'}"
        yield Finding("keys", "failed", said, "get the newest keyring, or correct the entry (`portable catalog set`)", name)
    elif home.volume_id not in (None, volumes[home.volume]):
        said = f"the volume {home.volume!r} of the keyring is another one than the entry means"
        yield Finding("keys", "failed", said, "use the keyring that the objects were written with", name)
    else:
        yield Finding("keys", "ok", f"of volume {home.volume!r}, the one that the entry means", volume=name)


def _host_findings(name: str, location: Location, environ: Mapping[str, str], *, offline: bool) -> Iterator[Finding]:
    how, names = credential_variables(location, environ)
    remote = location.scheme in ("az", "s3")
    if remote and offline and not names:
        yield Finding("credentials", "not checked", f"{how}: to look for them may take the network", volume=name)
        yield Finding("host", "not checked", "--offline", volume=name)
        return
    try:
        backend = backend_at(location, bound=ANSWER_SECONDS)
    except PortableError as error:
        yield failed("credentials" if remote else "host", error, f"correct the variables or the entry ({how})", name)
        return
    with contextlib.closing(backend):
        if remote:
            yield Finding("credentials", "ok", f"{how}: {', '.join(names) or 'found by the host'}", volume=name)
        if offline:
            yield Finding("host", "not checked", "--offline", volume=name)
            return
        try:
            holds_any = next(iter(backend.list()), None) is not None
        except PortableError as error:
            yield failed("host", error, _HOST_REMEDIES.get(type(error), _UNREACHABLE), name)
        else:
            yield Finding("host", "ok", f"answers{'' if holds_any else '; the store holds no object'}", volume=name)
        if remote:
            yield clock_finding(name, location, environ)
