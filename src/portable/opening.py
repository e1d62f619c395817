"""From addresses and references to volumes that are open: the composition of backends, keys, catalog and settings."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.backends.registry import open_backend
from portable.catalog.entry import Home
from portable.catalog.homes import Homes
from portable.catalog.local import LocalCatalog
from portable.catalog.pins import Pins
from portable.config import Settings, settings
from portable.errors import ConfigurationError, ContextMismatch
from portable.keys.at_hand import identity_at_hand
from portable.keys.keyring import Keyring
from portable.keys.recipient import Identity
from portable.keys.volume_keys import VolumeKeys
from portable.leased import LeasedVolume
from portable.volume import Reading, Volume

DEFAULT_BOUND = 60.0
"""Seconds that one mutation may take on a store that no lease limits."""


def identity_from_environment(environ: Mapping[str, str] = os.environ) -> Identity:
    """Return who the environment says this process is.

    By a passphrase (PORTABLE_PASSPHRASE, PORTABLE_PASSPHRASE_FILE), an identity file (PORTABLE_IDENTITY), or access to a
    service or token. Raises: ConfigurationError and KeysError (what it names cannot be read).
    """
    return identity_at_hand(environ)


def volume_keys(
    keyring: str | Path, volume: str, *, authority: str | None = None, identity: Identity | None = None
) -> VolumeKeys:
    """Unlock a keyring and return the keys of one volume.

    `authority` pins the fingerprint of the keyring's authority. Raises: ConfigurationError, UntrustedSignature, UnlockFailed,
    UnknownEpoch (no such volume).
    """
    locked = read_keyring(Path(keyring), authority=authority)
    return locked.unlock(identity or identity_from_environment()).volume(volume)


def read_keyring(path: Path, *, authority: str | None = None) -> Keyring:
    """Read a keyring and check its signatures, and that this machine has not seen a newer generation of it.

    `authority` is the fingerprint to trust; without one the configured authority is, else the one that signed this file when it
    was first used here. Raises: ConfigurationError, UntrustedSignature.
    """
    found = settings()
    pins, address = Pins(found.state), str(path.absolute())
    keyring = Keyring.read(path, authority=authority or found.authority or pins.authority(address))
    pins.check_keyring(keyring.id.hex(), keyring.generation)
    pins.pin_authority(address, keyring.authority.fingerprint)
    return keyring


def open_store(
    location: Location,
    *,
    keyring: str | Path | None = None,
    volume: str | None = None,
    authority: str | None = None,
    identity: Identity | None = None,
    bound: float = DEFAULT_BOUND,
    reading: Reading | None = None,
) -> Volume:
    """Open the volume in one store: sealed with the keys of `volume` in `keyring`, or clear where neither is given.

    `bound` limits each mutation, in seconds; `reading` says how reads are planned. Raises: ConfigurationError, KeysError.
    """
    if (keyring is None) != (volume is None):
        raise ConfigurationError("an encrypted volume needs both its keyring and its name there (keyring=..., volume=...)")
    keys = volume_keys(keyring, volume, authority=authority, identity=identity) if keyring and volume else None
    return Volume(backend_at(location, bound=bound), keys, reading=reading)


def backend_at(location: Location, *, bound: float = DEFAULT_BOUND) -> Backend:
    """Open the store at `location`, by the profile of its provider where it names one; nothing is sent to its host yet.

    `bound` limits each mutation, in seconds. Raises: ConfigurationError.
    """
    if location.provider is not None:
        # What is known of hosts is a good part of the package: only who names one has it loaded.
        from portable.hosts.reaching import reached

        location = reached(location, state=settings().state)
    return open_backend(location, bound=bound)


def open_volume(
    url: str,
    *,
    keyring: str | Path | None = None,
    volume: str | None = None,
    identity: Identity | None = None,
    catalog: str | Path | None = None,
    authority: str | None = None,
    patience: float | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    account: str | None = None,
    credentials: str = "default",
    provider: str | None = None,
    storage_class: str | None = None,
    reading: Reading | None = None,
) -> Volume | LeasedVolume:
    """Open a volume: `portable://NAME` through the catalog, or a store's URL with `keyring` and `volume`, or in clear without.

    `identity` unlocks the keyring; by default the environment names it. `catalog`, `authority` (fingerprint to trust) and
    `patience` (seconds that a writer waits while the volume is frozen) override the configuration (see `portable.config`).
    `volume`, and `endpoint` to `storage_class`, describe a store (see `Location`), and are refused with `portable://`;
    `credentials` is `env:PREFIX_`, `profile:NAME` or `default`. `reading` says how reads are planned; by default the
    configuration does.

    Raises: ConfigurationError, KeysError, NotFound (no catalog, no such volume in it).
    """
    if url.startswith("portable://"):
        described = (volume, endpoint, region, account, provider, storage_class)
        if credentials != "default" or any(part is not None for part in described):
            raise ConfigurationError(f"the catalog says where {url} leads: leave out what describes a store")
        found = settings({"catalog": catalog, "authority": authority, "keyring": keyring, "patience": patience})
        return open_by_catalog(volume_name(url), found, identity=identity, reading=reading)
    location = Location(url, endpoint, region, account, credentials, provider, storage_class)
    reading = reading or Reading.parse(settings().reading)
    return open_store(location, keyring=keyring, volume=volume, authority=authority, identity=identity, reading=reading)


def open_by_catalog(
    name: str, found: Settings, *, identity: Identity | None = None, reading: Reading | None = None
) -> LeasedVolume:
    """Open the volume `name` of the configured catalog. Raises: ConfigurationError, NotFound, UntrustedSignature."""
    if found.catalog is None:
        raise ConfigurationError(
            f"nothing says where the catalog of portable://{name} is: set PORTABLE_CATALOG, or `catalog` in portable.toml "
            "(`portable config check` shows what was looked at)"
        )
    catalog = LocalCatalog(found.catalog)
    pins = Pins(found.state)
    authority = trusted_authority(catalog, name, found, pins)
    opener = HomeOpener(catalog.folder, authority, found.keyring, identity, reading or Reading.parse(found.reading))
    leased = LeasedVolume(Homes(catalog, name, authority, pins), opener, patience=found.patience, renew=opener.renewed)
    leased.homes.lease()
    return leased


def trusted_authority(catalog: LocalCatalog, name: str, found: Settings, pins: Pins) -> str:
    """Return the fingerprint of the authority to believe: configured, else pinned before, else the one found now, pinned."""
    if found.authority is not None:
        return found.authority
    address = str(catalog.path)
    pinned = pins.authority(address)
    if pinned is None:
        pinned = catalog.read(name, None).authority
        pins.pin_authority(address, pinned)
    return pinned


class HomeOpener:
    """Opens the homes that entries name. A keyring is unlocked once a home and generation, and its volume's keys are kept.

    Safe to use from several threads.
    """

    def __init__(self, folder: Path, authority: str, keyring: Path | None, identity: Identity | None, reading: Reading) -> None:
        self._folder = folder
        self._authority = authority
        self._keyring = keyring
        self._identity = identity
        self._reading = reading
        self._keys: dict[Home, tuple[_Version | None, VolumeKeys]] = {}
        self._lock = threading.Lock()

    def __call__(self, home: Home, bound: float) -> Volume:
        """Open the store of `home` with mutations bound to `bound` seconds. Raises: ConfigurationError, KeysError."""
        keys = self.keys(home) if home.mode == "sealed" else None
        return Volume(backend_at(home.location, bound=bound), keys, reading=self._reading)

    def renewed(self, home: Home, volume: Volume) -> Volume:
        """Return `volume`, or where the keyring changed, the volume with its present keys over the same backend.

        Costs one look at the file where nothing changed. A keyring that is gone changes nothing: the keys at hand still open
        the volume. Raises: KeysError (this identity no longer opens the keyring, it is not trusted, or it lacks the volume).
        """
        if home.mode != "sealed":
            return volume
        keys = self.keys(home)
        return volume if keys is volume.keys else volume.with_keys(keys)

    def keys(self, home: Home) -> VolumeKeys:
        """Return the keys of a sealed home, as the keyring's file holds them now.

        Raises: ConfigurationError, KeysError, ContextMismatch (the keyring's volume is another one).
        """
        path = self._keyring or (self._folder / home.keyring if home.keyring else None)
        if path is None or home.volume is None:
            raise ConfigurationError(f"the encrypted home {home.url} names no keyring: set PORTABLE_KEYRING")
        with self._lock:
            # The version is looked at before the file is read: a change in between is seen the next time.
            version, (known, keys) = _version(path), self._keys.get(home, (None, None))
            if keys is None or (version is not None and version != known):
                keys = self._unlock(home, path, home.volume)
                self._keys[home] = version, keys
            return keys

    def _unlock(self, home: Home, path: Path, volume: str) -> VolumeKeys:
        keys = volume_keys(path, volume, authority=self._authority, identity=self._identity)
        if home.volume_id is not None and keys.volume_id.hex() != home.volume_id:
            raise ContextMismatch(f"the keyring {path} has a volume {home.volume!r}, but another one than the catalog means")
        return keys


_Version = tuple[int, int, int]


def _version(path: Path) -> _Version | None:
    """Return what tells one content of a file from the next, or None where it cannot be looked at."""
    try:
        # Opened, because a network file system asks its server again only then.
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def volume_name(url: str) -> str:
    """Return NAME of `portable://NAME` or `portable://NAME/key`. Raises: ConfigurationError."""
    name = url.removeprefix("portable://").partition("/")[0]
    if not name:
        raise ConfigurationError(f"{url!r} names no volume: write portable://NAME/key")
    return name
