"""Objects that are staged at a store, invisible, until one short commit.

A commit may be repeated, because it sends the same bytes again.
"""

from typing import Protocol

from typing_extensions import Buffer

from portable.backends.protocol import ANY, Attributes, Backend, Expectation, Stat, Upload
from portable.errors import NotFound, OutcomeUnknown, RetryableError
from portable.volume.spooling import SpooledUpload


class Staged(Protocol):
    """An object that one commit makes visible."""

    size: int
    """Bytes of plaintext."""
    message_id: bytes | None
    """In a sealed volume, the id of the message that the commit writes."""

    def commit(self, expect: Expectation = ANY) -> Stat:
        """Make the object visible; may be repeated after Unavailable.

        Raises: what `Backend.put` and `Upload.commit` raise; exactly RetryableError where what was staged is gone, so that
        nothing was written; OutcomeUnknown where it is gone after an earlier commit of it.
        """

    def abort(self) -> None:
        """Drop what was staged."""

    def through(self, backend: Backend) -> "Staged":
        """Return the same staged object, to be committed through another backend that is bound to the same store.

        Raises: Unsupported (parts that only this process knows of), NotFound (they are gone), Denied, Unavailable.
        """


class Whole:
    """One put of bytes held in memory."""

    def __init__(
        self, backend: Backend, key: str, data: Buffer, attributes: Attributes | None, size: int, message_id: bytes | None
    ) -> None:
        self._backend = backend
        self._key = key
        self._data = data
        self._attributes = attributes
        self.size = size
        self.message_id = message_id

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Staged.commit`."""
        return self._backend.put(self._key, self._data, expect=expect, attributes=self._attributes)

    def abort(self) -> None:
        """See `Staged.abort`."""
        self._data = b""

    def through(self, backend: Backend) -> Staged:
        """See `Staged.through`."""
        return Whole(backend, self._key, self._data, self._attributes, self.size, self.message_id)


class Parts:
    """An upload whose parts are all at the host."""

    def __init__(
        self, backend: Backend, key: str, upload: Upload, attributes: Attributes | None, size: int, message_id: bytes | None
    ) -> None:
        self._backend = backend
        self._key = key
        self._upload = upload
        self._attributes = attributes
        self._sent = False
        self.size = size
        self.message_id = message_id

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Staged.commit`."""
        sent, self._sent = self._sent, True
        try:
            return self._upload.commit(expect)
        except NotFound:
            # Azure drops the parts of all uploads to a key when the object there is written. A store that is gone says so here.
            next(self._backend.list(self._key), None)
            gone = f"the parts of {self._key!r} are gone, perhaps because another writer wrote the object meanwhile"
            if sent:
                raise OutcomeUnknown(f"{gone}, and an earlier commit of them may have taken effect: write it again") from None
            raise RetryableError(f"{gone}: nothing of it was written, write it again") from None

    def abort(self) -> None:
        """See `Staged.abort`."""
        self._upload.abort()

    def through(self, backend: Backend) -> Staged:
        """See `Staged.through`."""
        if isinstance(self._upload, SpooledUpload):
            upload: Upload = self._upload.through(backend)
        else:
            upload = backend.resume(self._key, self._upload.token, attributes=self._attributes)
        found = Parts(backend, self._key, upload, self._attributes, self.size, self.message_id)
        found._sent = self._sent
        return found
