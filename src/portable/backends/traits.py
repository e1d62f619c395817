"""What sets an S3-compatible host apart from Amazon S3, as data: `profiles/NAME.toml`, one file a kind of host.

`Location.provider` names a file: one of these, or by its path (it has a slash in it) one of the user's own, as `portable probe
--contract` writes it. What a file leaves out is as at Amazon, and so is everything where no file is named. Each value was tried
on a running server, or read in the document that the file's `source` names.
"""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from portable.backends.key_rules import S3_KEY_BYTES
from portable.errors import ConfigurationError

Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]
Amount = Annotated[int, Meta(ge=0)]
PutChecksum = Literal["crc64nvme", "sha256", "md5", "none"]
PartChecksum = Literal["whole", "crc64nvme", "sha256", "md5", "none"]
Folders = Literal["none", "uncommitted", "refused", "replaced"]
Addressing = Literal["path", "virtual"]
ListVersion = Literal[1, 2]
T = TypeVar("T", bound=Struct)


class Conditions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which conditions the host honours: an expectation that does not hold is refused, and nothing changes."""

    create: bool = True
    """If-None-Match: * on PutObject."""
    replace: bool = True
    """If-Match on PutObject."""
    delete: bool = True
    """If-Match on DeleteObject."""
    commit: bool = True
    """Both of them on CompleteMultipartUpload."""
    versioned: bool = True
    """They are honoured in a bucket that keeps versions, too."""
    quoted: bool = True
    """If-Match takes an ETag with its quotation marks, as HTTP has it."""


class Parts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Multipart uploads."""

    checksum: PartChecksum = "whole"
    """What the host verifies. `whole`: the CRC-64/NVME of each part, and of the object at its commit; the others: of each part
    alone (`sha256` in the signature where payloads are signed, else as a header; `md5` as Content-MD5, with which its ETag is
    compared too)."""
    etag_told: bool = True
    """The answer to a commit tells the ETag that the object then has."""
    again: bool = True
    """A part can be sent again, and then is the new one."""
    size: Count = 16 << 20
    """Bytes of every part but the last, as this package writes them where the object fits so; else they are larger."""
    smallest: Count = 5 << 20
    """Bytes that a part but the last must have at least."""
    largest: Count = 5 << 30
    """Bytes that a part, and an object written in one request, may have at most."""
    most: Count = 10_000
    """Parts of one upload."""
    whole: Amount = 0
    """Bytes of an object at most, in however many parts; 0 where only its parts are bounded."""
    seconds: Amount = 0
    """Within which one request must have sent its body, or the host ends it; 0 where it may take any time."""

    def __post_init__(self) -> None:
        if not self.smallest <= self.size <= self.largest:
            raise ValueError("parts need smallest <= size <= largest")


class Keys(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which keys the host holds unchanged, of those that Amazon does."""

    longest: Count = S3_KEY_BYTES
    """UTF-8 bytes of a key, the store's prefix included."""
    longest_segment: Amount = 0
    """UTF-8 bytes between two slashes at most; 0 where only the whole key is bounded."""
    not_held: str = ""
    """A regular expression, searched in the whole key: what it finds is hidden from listings, altered or refused."""
    folders: Folders = "none"
    """What becomes of `a/b` beside `a`, where keys are paths of files. `uncommitted`: an upload to `a` cannot be committed, and
    the host answers 5xx. `refused`: it does so for all writes. `replaced`: so too, and loses what
    stands below `a`, or `a` itself when `a/b` is deleted."""
    normal: bool = False
    """Keys are compared by their composed forms (Unicode Standard Annex 15, NFC): of each, only that can be used."""
    exact: bool = True
    """Nothing is read by a key that is not listed; else `a//b` or `a/` may give what stands at `a/b` or `a`."""


class Held(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the host keeps of an object beside its bytes."""

    attributes: bool = True
    """All that is in `Attributes` comes back."""
    underscores: bool = True
    """Metadata names keep their `_`; else it comes back as `-`."""
    tags: bool = True
    versions: bool = True
    restore: bool = True
    """Archived objects can be restored."""
    locks: bool = True
    """Retention and legal holds."""


class Rates(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Requests a second that one store is asked at most; 0 for as many as there are."""

    reads: Amount = 0
    """GET and HEAD, listings among them."""
    writes: Amount = 0
    """All others."""


class Storage(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The host's storage classes, and which of them stands for a tier. A source's own word is never passed on.

    A tier whose class is not among `classes` stands for nothing at this host, and is refused.
    """

    classes: tuple[Text, ...] = (
        "STANDARD",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
        "GLACIER",
        "DEEP_ARCHIVE",
    )
    """Those that it takes and tells of its objects again: no other is asked for."""
    hot: str = "STANDARD"
    """Read often."""
    cool: str = "STANDARD_IA"
    """Read seldom, at once, kept in as many places as what is hot."""
    cold: str = "GLACIER_IR"
    """Read hardly ever, and then at once."""
    archive: str = "GLACIER"
    """Read only after it has been asked back, which takes hours."""


class Contract(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the S3 backend relies on; as it stands, Amazon's."""

    addressing: Addressing = "path"
    """Where a bucket is named: as the first part of the path, or of the host's name."""
    listing: ListVersion = 2
    """The version of ListObjects that lists every key."""
    encoded: bool = True
    """Listings may be asked for with URL-encoded keys: else those that are no XML cannot be listed."""
    payload: Literal["signed", "unsigned"] = "unsigned"
    """Whether the SHA-256 of a body is part of its signature. That costs a second a GB, and is unsigned where the host
    verifies another checksum, or does not verify this one."""
    put: PutChecksum = "crc64nvme"
    """The checksum of PutObject that the host verifies: it refuses a body that does not fit and stores nothing. `sha256` is
    that of the signature where payloads are signed; `md5` goes as Content-MD5, and the ETag is compared with it, by which a
    host is found out that verifies nothing."""
    conditions: Conditions = Conditions()
    parts: Parts = Parts()
    keys: Keys = Keys()
    held: Held = Held()
    rates: Rates = Rates()
    storage: Storage = Storage()


class Traits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file of one kind of host."""

    summary: Text
    source: Text
    """How the contract was found out, and when."""
    contract: Contract = Contract()


_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_FOLDER: Final = files("portable.backends") / "profiles"


def providers() -> tuple[str, ...]:
    """Name the hosts that there is a file for."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir() if path.name.endswith(".toml")))


@lru_cache
def contract(provider: str | None) -> Contract:
    """Return the contract with the host that `Location.provider` names, or whose file it is the path of: Amazon's for None.

    Raises: ConfigurationError (no such file, or it is malformed: which field, and where).
    """
    if provider is None:
        return Contract()
    if "/" in provider:
        return read(Path(provider).expanduser(), Traits).contract
    if not _NAME.fullmatch(provider) or provider not in providers():
        known = ", ".join(providers())
        raise ConfigurationError(f"no provider is named {provider!r}; known are {known}, and the path of a file of yours")
    return read(_FOLDER / f"{provider}.toml", Traits).contract


def read(file: Traversable, kind: type[T]) -> T:
    """Read a TOML file as `kind`. Raises: ConfigurationError (unreadable, not TOML, an unknown field, a wrong type)."""
    try:
        text = file.read_text("utf-8")
        return msgspec.convert(tomllib.loads(text), kind)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    except msgspec.ValidationError as error:  # names the field: "Object contains unknown field `x` - at `$.contract`"
        raise ConfigurationError(f"{file}: {error}") from None
