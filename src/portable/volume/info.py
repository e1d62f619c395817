"""What a volume says of an object."""

from dataclasses import dataclass
from datetime import datetime

from portable.backends.protocol import Attributes, Stat


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as a reader of the volume sees it."""

    key: str
    size: int
    """Bytes of plaintext. From a listing of a sealed volume it is a hint, which opening the object confirms."""
    modified: datetime
    """In UTC: the original modification time where the object records one, else the host's."""
    stat: Stat
    """The stored object, as its host describes it; but `key` is the object's key where names are sealed, too."""
    attributes: Attributes | None = None
    """None where only a listing was read."""
    message_id: bytes | None = None
    """In a sealed volume, the id of the message (32 bytes); None where only a listing was read."""
    source_etag: str | None = None
    """In a sealed volume, the ETag of the object that this one was copied from; None for what a writer wrote."""

    @property
    def etag(self) -> str:
        """The host's ETag, for conditional writes."""
        return self.stat.etag
