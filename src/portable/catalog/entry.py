"""A catalog entry: where a volume's home is, in which phase of a move, signed by the authority."""

import secrets
from typing import Literal

import msgspec

from portable.backends.location import Location
from portable.errors import UntrustedSignature
from portable.keys.authority import Authority
from portable.keys.fields import MALFORMED
from portable.keys.signed import sign, verify

PURPOSE = "catalog-entry"
"""Domain of the signature, so that no other signed document passes for an entry."""

Mode = Literal["sealed", "clear"]
Phase = Literal["active", "announced", "frozen", "flipped"]
"""`flipped` is frozen at the new home, until every client that read `frozen` has asked again."""


class Home(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A store that is, was or will be a volume's home, and how its objects are read.

    It names credentials and the keyring by reference only; clients bring the values.
    """

    url: str
    mode: Mode
    endpoint: str | None = None
    region: str | None = None
    account: str | None = None
    provider: str | None = None
    storage_class: str | None = None
    """What objects are written in there; the host's own default, if left out."""
    credentials: str = "default"
    keyring: str | None = None
    """Path of the keyring (mode `sealed`); a relative one starts at the catalog's folder."""
    volume: str | None = None
    """The volume's name in the keyring (mode `sealed`)."""
    volume_id: str | None = None
    """Hexadecimal, 32 digits (mode `sealed`)."""

    @property
    def location(self) -> Location:
        """The store's address, as backends are opened from it."""
        return Location(
            url=self.url,
            endpoint=self.endpoint,
            region=self.region,
            account=self.account,
            credentials=self.credentials,
            provider=self.provider,
            storage_class=self.storage_class,
        )


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What clients believe of a volume until their lease on it ends."""

    name: str
    generation: int
    """Grows with every change; clients refuse less than the highest that they have seen."""
    write_id: str
    """Fresh and random in every write of the entry: the same id means the same entry, never one that came back."""
    previous: str | None = None
    """The write id that this entry replaces. A compare-and-swap succeeds over that one only."""
    phase: Phase
    home: Home
    other: Home | None = None
    """The other store of a move: the target before the flip, the old home after it."""
    lease: float
    """Seconds, counted from when a client *sent* its read, for which it may use this entry."""
    outstanding: float = 0.0
    """Seconds that the longest lease on an earlier entry may still run when this one is written.

    It stands in the entry, so that a coordinator which starts again knows the wait that its predecessor owed.
    """
    max_frozen: float | None = None
    """Seconds after which a writer that has watched this frozen entry may put `way_back` in its place."""
    way_back: str | None = None
    """In a frozen entry: the signed entry that makes the old home active again without a coordinator."""
    authority: str
    """Fingerprint of the authority that signs this entry and the keyrings of its homes."""
    allow_clear: bool = False
    """The authority's consent that a volume whose home was `sealed` has a `clear` one from now on."""


def new_write_id() -> str:
    """Return a fresh random write id (32 hexadecimal digits)."""
    return secrets.token_hex(16)


def sign_entry(entry: Entry, authority: Authority) -> bytes:
    """Return the signed document of an entry."""
    return sign(msgspec.json.encode(entry), authority, PURPOSE)


def open_entry(document: bytes, name: str, pinned: str | None) -> Entry:
    """Return the entry of a signed document.

    Raises: UntrustedSignature when it is not signed by the authority with fingerprint `pinned`, is another volume's entry, or
    is not an entry.
    """
    payload, authority = verify(document, PURPOSE, pinned)
    try:
        entry = msgspec.json.decode(payload, type=Entry)
    except MALFORMED as error:
        raise UntrustedSignature(
            f"the catalog entry of {name!r} is signed, but is not an entry that this version knows: {error}"
        ) from None
    if entry.name != name:
        raise UntrustedSignature(f"the catalog holds an entry of {entry.name!r} under the name {name!r}")
    if entry.authority != authority.fingerprint:
        raise UntrustedSignature(f"the catalog entry of {name!r} names another authority than the one that signed it")
    return entry
