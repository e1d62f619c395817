"""One write that may take several attempts, and that recognises its own object among them."""

from portable.backends.protocol import Expectation
from portable.catalog.entry import Home
from portable.errors import AlreadyExists, NotFound, OutcomeUnknown, PreconditionFailed, RetryableError
from portable.leased.supply import Supply
from portable.sealed import Metadata
from portable.volume import ObjectInfo, Volume
from portable.volume.staged import Staged


class Writing:
    """One write, which may take several attempts, at more than one home."""

    def __init__(self, key: str, supply: Supply, described: Metadata, expect: Expectation) -> None:
        self._key = key
        self._supply = supply
        self._described = described
        self._expect = expect
        self._staged: Staged | None = None
        self._sent = False
        self._messages: set[bytes | None] = set()
        self._written: set[tuple[Volume, str]] = set()
        """ETags that commits were answered with, each of them meaningful at one store."""
        self._standing: ObjectInfo | None = None

    def prepare(self, volume: Volume, home: Home) -> None:
        """Stage the object at this home, unless it is staged or an earlier attempt's object stands there already."""
        self._standing = self._find(volume) if self._sent else None
        if self._standing is None:
            self._staged = self._supply.at(volume, home, sent=self._sent)
            self._messages.add(self._staged.message_id)

    def commit(self, volume: Volume) -> ObjectInfo:
        """Make the staged object visible. Raises: what `Volume.write` raises, OutcomeUnknown."""
        if self._standing is not None:
            return self._standing
        if self._staged is None:
            raise RuntimeError("a write is prepared before it is committed")
        repeated, self._sent = self._sent, True
        try:
            info = volume.committed(self._staged, self._key, self._described, self._expect)
        except (AlreadyExists, PreconditionFailed, NotFound):
            if repeated:
                # What stands there was not found to be this write's own (a clear object never is), or the parts are gone: an
                # earlier attempt may have made an object that was replaced since.
                raise OutcomeUnknown(
                    f"{self._key!r} may have been written and replaced since: look before repeating it"
                ) from None
            raise
        self._written.add((volume, info.etag))
        return info

    def ends(self, error: RetryableError) -> bool:
        """Tell whether no further attempt is possible after this error of an attempt."""
        return self._supply.ends(error)

    def close(self) -> None:
        """Drop what is staged and was not committed."""
        self._supply.close()

    def _find(self, volume: Volume) -> ObjectInfo | None:
        """Return the object at the key if an earlier attempt of this very write made it."""
        try:
            found = volume.info(self._key)
        except NotFound:
            return None
        mine = (volume, found.etag) in self._written or (found.message_id is not None and found.message_id in self._messages)
        return found if mine else None
