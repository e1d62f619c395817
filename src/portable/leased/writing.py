"""One write that may take several attempts, and that recognises its own object among them."""

import contextlib
from typing import BinaryIO, cast

from portable.backends.protocol import Expectation
from portable.errors import AlreadyExists, NotFound, OutcomeUnknown, PortableError, PreconditionFailed
from portable.sealed import Metadata
from portable.volume import ObjectInfo, Volume
from portable.volume.writing import Source, Staged


class Writing:
    """One write, which may take several attempts, at more than one home."""

    def __init__(self, key: str, data: Source, described: Metadata, expect: Expectation) -> None:
        self._key = key
        self._data = data
        self._start = _position(data)
        self._described = described
        self._expect = expect
        self._staged: tuple[Volume, Staged] | None = None
        self._consumed = False
        self._sent = False
        self._messages: set[bytes | None] = set()
        self._written: set[tuple[Volume, str]] = set()
        """ETags that commits were answered with, each of them meaningful at one store."""
        self._standing: ObjectInfo | None = None

    def prepare(self, volume: Volume) -> None:
        """Stage the object at this home, unless it is staged or an earlier attempt's object stands there already."""
        self._standing = self._find(volume) if self._sent else None
        if self._standing is None and (self._sent or self._staged is None or self._staged[0] is not volume):
            self.close()
            self._staged = (volume, volume.stage(self._key, self._source(), self._described))
            self._messages.add(self._staged[1].message_id)

    def commit(self, volume: Volume) -> ObjectInfo:
        """Make the staged object visible. Raises: what `Volume.write` raises, OutcomeUnknown."""
        if self._standing is not None:
            return self._standing
        if self._staged is None:
            raise RuntimeError("a write is prepared before it is committed")
        repeated, self._sent = self._sent, True
        try:
            info = volume.committed(self._staged[1], self._key, self._described, self._expect)
        except (AlreadyExists, PreconditionFailed):
            if repeated and volume.keys is None:
                # Clear objects carry no message id, so an earlier attempt's object cannot be told from somebody else's.
                raise OutcomeUnknown(
                    f"an object stands at {self._key!r}, and it may be this write's own: look before repeating it"
                ) from None
            raise
        self._written.add((volume, info.etag))
        return info

    def close(self) -> None:
        """Drop what is staged and was not committed."""
        if self._staged is not None:
            with contextlib.suppress(PortableError):
                self._staged[1].abort()
            self._staged = None

    def _find(self, volume: Volume) -> ObjectInfo | None:
        """Return the object at the key if an earlier attempt of this very write made it."""
        try:
            found = volume.info(self._key)
        except NotFound:
            return None
        mine = (volume, found.etag) in self._written or (found.message_id is not None and found.message_id in self._messages)
        return found if mine else None

    def _source(self) -> Source:
        if self._start is not None:
            cast("BinaryIO", self._data).seek(self._start)
        elif self._consumed and not isinstance(self._data, (bytes, bytearray, memoryview)):
            raise OutcomeUnknown(
                f"the volume moved while {self._key!r} was written, and its data cannot be read twice: write it again"
            )
        self._consumed = True
        return self._data


def _position(data: Source) -> int | None:
    """Return where a file that can seek stands, or None for any other source."""
    seekable = getattr(data, "seekable", None)
    return cast("BinaryIO", data).tell() if seekable is not None and seekable() else None
