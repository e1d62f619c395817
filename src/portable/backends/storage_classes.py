"""In which storage class objects are written: a class of the host's own, or the one that stands for a tier there. Pure."""

from typing import Final

from portable.backends.traits import Storage
from portable.errors import ConfigurationError

TIERS: Final = ("hot", "cool", "cold", "archive")
"""Words of ours, of which a host's contract says what they are there."""
AZURE: Final = Storage(classes=("Hot", "Cool", "Cold", "Archive"), hot="Hot", cool="Cool", cold="Cold", archive="Archive")
"""Azure's access tiers ("Access tiers for blob data", Azure Storage documentation)."""


def chosen_class(asked: str | None, storage: Storage, *, url: str) -> str | None:
    """Return the storage class of the host that `asked` means: its tier's, or the one that has this very name.

    Raises: ConfigurationError (the host has no such class, or none that stands for the tier; says which there are).
    """
    if asked is None:
        return None
    named: str = getattr(storage, asked) if asked in TIERS else asked
    if named in storage.classes:
        return named
    what = f"nothing stands for the tier {asked!r}" if asked in TIERS else f"there is no storage class {asked!r}"
    raise ConfigurationError(f"{url}: {what} at this host; it has {', '.join(storage.classes)}")
