"""The migration file: what is moved from where to where, declared in TOML.

Pure but for `Declaration.load`. Relative paths start at the file's own folder; stores are named by literal URLs, credentials by
reference (`env:PREFIX_`, `profile:NAME`, `default`), never by value.
"""

import difflib
import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from migrate.entries import OFFLINE
from migrate.findings import BLOCKING
from portable.backends.location import Location
from portable.config import convert, load_toml
from portable.errors import ConfigurationError

Seconds = Annotated[float, Meta(gt=0)]
RollbackMode = Literal["never", "sealed", "clear"]

_HINTS: Final = {
    "rollback": 'write [rollback] with mode = "never", "sealed" or "clear"; it has no default',
    "rollback.mode": 'choose "never", "sealed" (an encrypted volume at the old host) or "clear" (plaintext goes back); '
    "it has no default",
    "target.encryption": "a target in clear is not supported; write [target.encryption] with keyring and volume "
    "(make them with `portable keys init` and `portable keys add-volume`)",
    "target.encryption.volume": "a target in clear is not supported; name the volume in the keyring",
}


class Store(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A store, and what must be known to reach it."""

    url: str
    account: str | None = None
    endpoint: str | None = None
    region: str | None = None
    credentials: str = "default"
    provider: str | None = None

    @property
    def location(self) -> Location:
        """The store's address, as backends are opened from it. Raises: ConfigurationError (not a store's address)."""
        return Location(
            url=self.url,
            endpoint=self.endpoint,
            region=self.region,
            account=self.account,
            credentials=self.credentials,
            provider=self.provider,
        )


class Encryption(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the keys of the target volume are."""

    keyring: str
    volume: str


class Target(Store, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The store that the volume moves to, and its encryption."""

    encryption: Encryption
    storage_class: str | None = None

    @property
    def location(self) -> Location:
        """The store's address, and what is written there is written in. Raises: ConfigurationError."""
        return replace(super().location, storage_class=self.storage_class)


class Catalog(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The entry that the cutover flips."""

    url: str
    name: str
    authority_key: str | None = None
    """Path of the authority file; by default `authority.json` beside the keyring."""


class Rollback(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may happen after the flip."""

    mode: RollbackMode


class Decisions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the operator has decided about the plan's findings."""

    accept: tuple[str, ...] = ()
    """Ids of blocking findings that are accepted with their consequences."""


class Copying(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How objects are copied."""

    workers: Annotated[int, Meta(ge=1, le=256)] = 8


class Timing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Seconds of the cutover."""

    lease: Seconds = 30.0
    """For which clients may use an entry that is not frozen."""
    frozen_lease: Seconds = 1.5
    """For which clients may use a frozen entry."""
    max_frozen: Seconds = 120.0
    """After which a writer may return a frozen volume to its old home."""


class Declaration(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A migration as its file declares it."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    source: Store
    target: Target
    catalog: Catalog
    rollback: Rollback
    deadline: date | None = None
    plan: Decisions = Decisions()
    copy: Copying = Copying()
    cutover: Timing = Timing()
    file: Path = Path()
    """The absolute path that it was read from; no field of the file."""

    @classmethod
    def load(cls, path: str | Path) -> "Declaration":
        """Read a migration file. Raises: ConfigurationError that names the file and the field."""
        file = Path(path).absolute()
        data = load_toml(file, dict[str, Any])
        _refuse_unknown(data, cls, str(file))
        declaration = msgspec.structs.replace(convert(data, cls, str(file)), file=file)
        _refuse_impossible(declaration, str(file))
        return declaration

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of what the file says, whatever its order, layout and comments."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if name != "file"}
        return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()

    @property
    def journal(self) -> Path:
        """Where the migration's journal is: beside the file."""
        return self.file.with_suffix(".journal")

    @property
    def keyring(self) -> Path:
        """The keyring file of the target volume."""
        return self._beside(self.target.encryption.keyring)

    @property
    def authority_key(self) -> Path:
        """The authority file that signs the keyring and the catalog's entry."""
        named = self.catalog.authority_key
        return self.keyring.with_name("authority.json") if named is None else self._beside(named)

    @property
    def catalog_path(self) -> Path:
        """The catalog file."""
        return self._beside(self.catalog.url.removeprefix("file://"))

    def _beside(self, path: str) -> Path:
        return self.file.parent / Path(path).expanduser()


def _refuse_unknown(data: dict[str, Any], kind: type[Struct], file: str, table: str = "") -> None:
    """Raise ConfigurationError for a field that is misspelt or missing, in this table or below it."""
    fields = {field.name: field for field in msgspec.structs.fields(kind) if field.name != "file"}
    for name in data:
        if name in fields:
            continue
        close = difflib.get_close_matches(name, fields, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"it may have: {', '.join(fields)}"
        raise ConfigurationError(f"{file}: {_place(table)} has no field {name!r}; {meant}")
    for name, field in fields.items():
        path = f"{table}.{name}".lstrip(".")
        if name in data:
            below = get_type_hints(kind)[name]
            if isinstance(data[name], dict) and isinstance(below, type) and issubclass(below, Struct):
                _refuse_unknown(data[name], below, file, path)
        elif field.required:
            hint = f": {_HINTS[path]}" if path in _HINTS else ""
            raise ConfigurationError(f"{file}: {_place(table)} has no field {name!r}, which is needed{hint}")


def _refuse_impossible(declaration: Declaration, file: str) -> None:
    """Raise ConfigurationError for values that are well-formed and cannot be meant."""
    locations = []
    for side, store in (("source", declaration.source), ("target", declaration.target)):
        try:
            locations.append(store.location)
        except ConfigurationError as error:
            raise ConfigurationError(f"{file}: [{side}] {error}") from None
    if _overlap(*locations):
        raise ConfigurationError(f"{file}: source and target are one store, or one lies within the other")
    if "://" in declaration.catalog.url.removeprefix("file:///"):
        raise ConfigurationError(f"{file}: [catalog] url: a catalog is a file on a local disk; write its path")
    if (declaration.target.storage_class or "").lower() in OFFLINE:
        raise ConfigurationError(
            f"{file}: [target] storage_class: what is written into an archive cannot be read back, and so not be verified; "
            "let the host's lifecycle rules archive it afterwards"
        )
    timing = declaration.cutover
    if not timing.frozen_lease <= timing.lease:
        raise ConfigurationError(f"{file}: [cutover] frozen_lease must not be longer than lease")
    if not timing.frozen_lease < timing.max_frozen:
        raise ConfigurationError(f"{file}: [cutover] max_frozen must be longer than frozen_lease")
    for name in declaration.plan.accept:
        if name not in BLOCKING:
            close = difflib.get_close_matches(name, BLOCKING, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(BLOCKING))}"
            raise ConfigurationError(f"{file}: [plan] accept: there is no finding {name!r} that can be accepted; {meant}")


def _overlap(one: Location, other: Location) -> bool:
    """Tell whether two locations share keys. Two spellings of one endpoint are not seen through."""
    if (one.scheme, one.container, one.endpoint, one.account) != (other.scheme, other.container, other.endpoint, other.account):
        return False
    if one.scheme == "file":
        return one.path.is_relative_to(other.path) or other.path.is_relative_to(one.path)
    return one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)


def _place(table: str) -> str:
    return f"[{table}]" if table else "the file"
