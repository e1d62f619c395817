"""What became of a conditional write or delete whose answer was lost, when its repetition is refused.

That another writer's object stands there proves nothing: it may have come after ours, which was read, and then replaced or
deleted. Nor does the version that was expected: where an ETag is made of the bytes, someone may have put them back.
"""

from portable.backends.answers import describe
from portable.backends.protocol import Backend, Matches, Stat
from portable.backends.repetition import Past
from portable.backends.write_ids import WRITE_ID, without_write_id, write_id_of
from portable.errors import Corrupt, NotFound, OutcomeUnknown, PortableError, RetryableError, Unavailable


class Settling:
    """Looks at what stands at a key. A look takes no longer than one attempt, and is not begun where there is no time."""

    def __init__(self, inner: Backend, *, url: str) -> None:
        self._inner, self._url = inner, url

    def written(self, operation: str, key: str, write_id: str, refusal: PortableError, past: Past) -> Stat:
        """Return the object that an earlier attempt wrote, if it stands there; otherwise raise.

        Raises: Corrupt where it stands there, and an attempt ended so: that one may have written it; OutcomeUnknown where
        nothing tells whether the earlier attempt took effect; Unavailable, after which the write is repeated.
        """
        if not write_id:
            raise self._unknown(operation, key, f"it was repeated, and no {WRITE_ID} could be kept with it") from refusal
        found = self._look(operation, key, refusal, past)
        if found is None or write_id_of(found) != write_id:
            raise self._unknown(operation, key, "it was repeated, and what it may have written is not there") from refusal
        if past.damaged:
            raise Corrupt(
                f"{describe(operation, key, self._url)}: this write's object stands there, and may have been altered on the "
                "way or at the host: write it again"
            ) from refusal
        return without_write_id(found)

    def deleted(self, key: str, expect: Matches, refusal: PortableError, past: Past) -> None:
        """Return if nothing stands there; otherwise raise.

        Raises: OutcomeUnknown where another version stands there, which may have come after the one that was deleted;
        Unavailable, after which the delete is repeated.
        """
        found = self._look("delete", key, refusal, past)
        if found is None:
            return
        if found.etag == expect.etag:
            raise Unavailable(f"{describe('delete', key, self._url)}: refused, but the expected version stands there")
        raise self._unknown("delete", key, "it was repeated, and another version stands there") from refusal

    def _look(self, operation: str, key: str, refusal: PortableError, past: Past) -> Stat | None:
        if not past.has_time(self._inner.bound):
            raise self._unknown(operation, key, "it was repeated, and no time is left to look") from refusal
        try:
            return self._inner.stat(key)
        except NotFound:
            return None
        except RetryableError:
            raise
        except PortableError as error:
            raise self._unknown(operation, key, f"it was repeated, and looking failed ({error.kind})") from refusal

    def _unknown(self, operation: str, key: str, reason: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{describe(operation, key, self._url)}: an attempt may have taken effect, {reason}: "
            "look at the object before doing it again"
        )
