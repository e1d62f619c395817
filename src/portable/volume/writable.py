"""An object that is being written, as a Python file: nothing of it is visible before it is closed, and then all of it.

What was not closed is never committed: not by a `with` block that an exception leaves, not by the garbage collector, and not by
the end of the process. Nor is what was closed while an exception is handled that came up after it was opened: libraries close
their files in blocks of their own on the way out, and do not tell why.
"""

import contextlib
import io
import sys
import threading
import warnings
from types import TracebackType
from typing import Protocol

from typing_extensions import Buffer

from portable.errors import Cancelled, PortableError
from portable.forks import Birthplace
from portable.volume.info import ObjectInfo
from portable.volume.staged import Staged
from portable.volume.writing import PIECE, Stream


class Destination(Protocol):
    """Where the one object of a file goes."""

    @property
    def key(self) -> str:
        """The object's."""

    @property
    def hold(self) -> int:
        """Bytes of plaintext that are kept in memory before a stream is begun."""

    def write(self, data: Buffer) -> ObjectInfo:
        """Write an object that was held in memory whole. Raises: what the volume's `write` raises."""

    def begin(self) -> Stream:
        """Begin an object that is too large for that. Raises: what the volume's `write` raises."""

    def commit(self, staged: Staged) -> ObjectInfo:
        """Make what the stream staged visible. Raises: what the volume's `write` raises."""


class WritableObject(io.BufferedIOBase):
    """A file whose bytes become the object when it is closed, all or nothing.

    Up to one part is held in memory and written by one request. What is larger is encrypted as it comes and uploaded in parts,
    several at once, from threads that have ended when `close` or `discard` returns.

    The first failure of any call ends the writing: what was uploaded is dropped, and every later call raises it again, until
    `close` has. Calls from several threads are let in one at a time.
    """

    mode = "wb"

    def __init__(self, destination: Destination) -> None:
        super().__init__()
        self._destination = destination
        self._stream: Stream | None = None
        self._held = bytearray()
        self._room = destination.hold
        """Bytes that are held before they are sent."""
        self._size = 0
        self._failure: Exception | None = None
        self._info: ObjectInfo | None = None
        self._lock = threading.Lock()
        self._born = Birthplace()
        self._handled = sys.exception()

    def __repr__(self) -> str:
        return f"<WritableObject {self.name!r}{' closed' if self.closed else ''}>"

    @property
    def name(self) -> str:
        """The key."""
        return self._destination.key

    @property
    def info(self) -> ObjectInfo:
        """The description of the object that `close` wrote. Raises: ValueError before that, or where nothing was written."""
        if self._info is None:
            raise ValueError(f"{self!r}: nothing is written before it is closed")
        return self._info

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written to the file."""
        self._check_open()
        return self._size

    def flush(self) -> None:
        """Do nothing: an object is shown whole, when the file is closed."""
        self._check_open()

    def write(self, data: Buffer, /) -> int:
        """Take all of `data`, which is the caller's again when this returns, and return how many bytes it has.

        Raises: ValueError (the file is closed), BufferError (the bytes of an array do not lie in one piece), what an earlier
        part failed with (Denied, Unavailable, NotFound, Corrupt ...), Unsupported (the object is larger than the host takes),
        Frozen (see `LeasedVolume.create`), ForkedProcess.
        """
        view = memoryview(data)
        if not view.c_contiguous:
            raise BufferError("only bytes that lie in one piece can be written")
        with self._lock:
            self._check_open()
            try:
                self._check_alive()
                if len(self._held) + view.nbytes > self._room:
                    self._send(view.cast("B"))
                else:
                    # Small pieces are gathered: each would cost a call of the cipher.
                    self._held += view
                    self._size += view.nbytes
            except BaseException as error:
                self._fail(error)
                raise
        return view.nbytes

    def close(self) -> None:
        """Write the object, and return when it is visible; closing it again does nothing.

        While an exception is handled that came up after the file was opened, nothing is written, and a RuntimeWarning says so.

        Raises: what `write` of the volume raises, and what a `write` before it failed with. Nothing was written then, but for
        Unavailable and OutcomeUnknown, which leave that open.
        """
        failed = sys.exception()
        if failed not in (None, self._handled) and not self.closed:
            self._discard(failed)
            self._warn_of(failed)
            return
        with self._lock:
            if self.closed:
                return
            try:
                self._check_alive()
                self._info = self._commit()
            except BaseException as error:
                self._fail(error)
                raise
            finally:
                self._failure = None  # its traceback refers to this file
                super().close()

    def discard(self) -> None:
        """Close the file and write nothing: what was uploaded is dropped, as far as the host answers."""
        self._discard(Cancelled())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the file, or discard it if the block ended by an exception."""
        if error is not None:
            self._discard(error)
        else:
            self.close()

    def __del__(self) -> None:
        """Discard what nobody closed, without waiting for it: the destructor of `io.IOBase` would close it."""
        if self._stream is not None:
            self._stream.abandon()
        if self._size and not self.closed and self._failure is None and not self._born.left:
            warnings.warn(f"{self!r} was never closed, so nothing was written", ResourceWarning, source=self, stacklevel=2)

    def _discard(self, error: BaseException) -> None:
        with self._lock:
            if not self.closed:
                self._drop(error)
                super().close()

    def _warn_of(self, error: BaseException) -> None:
        ended = f"it was closed while {type(error).__name__} was handled"
        warnings.warn(f"{self!r}: nothing was written, because {ended}", RuntimeWarning, stacklevel=3)

    def _send(self, view: memoryview) -> None:
        stream = self._stream = self._stream or self._destination.begin()
        self._room = PIECE
        self._pour(stream)
        stream.write(view)
        self._size += len(view)

    def _pour(self, stream: Stream) -> None:
        held, self._held = self._held, bytearray()
        if held:
            stream.write(held)

    def _commit(self) -> ObjectInfo:
        if self._stream is None:
            held, self._held = self._held, bytearray()
            return self._destination.write(held)
        self._pour(self._stream)
        staged = self._stream.finish()
        try:
            return self._destination.commit(staged)
        except BaseException:
            # What went wrong is the news; a failing abort must not hide it.
            with contextlib.suppress(PortableError):
                staged.abort()
            raise

    def _fail(self, error: BaseException) -> None:
        interrupted = Cancelled(f"the writing of {self.name!r} was interrupted: nothing of it was written")
        self._failure = error if isinstance(error, Exception) else interrupted
        self._drop(error)

    def _drop(self, error: BaseException) -> None:
        self._held = bytearray()
        if self._stream is not None:
            self._stream.end_by(error)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError(f"{self!r}: the file is closed")

    def _check_alive(self) -> None:
        self._born.check(self)
        if self._failure is not None:
            raise self._failure
