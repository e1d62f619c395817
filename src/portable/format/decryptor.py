"""Reading a message: whole, or the frames that a range needs."""

from collections.abc import Mapping

from typing_extensions import Buffer

from portable.errors import MalformedMessage
from portable.format import context, derive, metadata
from portable.format.frames import FrameOpener, Unpicklable, front, view
from portable.format.header import FRAME_LENGTHS, Header
from portable.format.layout import FINAL_OVERHEAD, REGULAR_OVERHEAD, Body
from portable.format.unlock import KeyFor, unlock


class Decryptor(Unpicklable):
    """A message whose header has been authenticated. Several threads may share one.

    `final` comes first: before it has succeeded, `frames` refuses.
    """

    __slots__ = ("_body", "_header", "_metadata_key", "_opener")

    def __init__(self, header: Header, metadata_key: bytes, opener: FrameOpener) -> None:
        self._header = header
        self._metadata_key = metadata_key
        self._opener = opener
        self._body: Body | None = None

    @classmethod
    def open(cls, data: Buffer, key_for: KeyFor, *, frame_lengths: range = FRAME_LENGTHS) -> "Decryptor":
        """Authenticate the header that `data` begins with: wrapped data key, commitment, tag.

        Raises: MalformedMessage, IntegrityError (one error for whatever fails), and what `key_for` raises.
        """
        header, cipher, metadata_key = unlock(data, key_for, frame_lengths)
        return cls(header, metadata_key, FrameOpener(cipher, header.message_id, header.frame_length))

    @property
    def header(self) -> Header:
        """The authentic header."""
        return self._header

    @property
    def context(self) -> Mapping[str, str]:
        """The authentic encryption context; that it names the right place is still to be checked."""
        return self._header.context

    @property
    def header_length(self) -> int:
        """Bytes: where the frames begin."""
        return self._header.length

    @property
    def frame_length(self) -> int:
        """Plaintext bytes of a regular frame."""
        return self._header.frame_length

    def body(self, stored_length: int) -> Body:
        """Return the layout of the body, if the whole message is `stored_length` bytes: believed once `final` has succeeded.

        Raises: MalformedMessage.
        """
        return Body.of_stored(stored_length - self.header_length, self.frame_length)

    def open_slot(self) -> bytes:
        """Return the payload of the metadata slot in this message's context.

        Raises: IntegrityError, MalformedMessage (the context has no such slot).
        """
        return metadata.open_slot(self._metadata_key, self._header.message_id, context.slot(self.context))

    def final(self, stored: Buffer, body: Body) -> bytearray:
        """Authenticate the final frame, and so that the message has the layout `body`; return the frame's plaintext.

        Raises: IntegrityError (altered, or the message is longer or shorter than `body`), MalformedMessage (not the frame's
        length), ValueError (a layout in other frames than the message's).
        """
        data = view(stored)
        if body.frame_length != self.frame_length:
            raise ValueError(f"a layout in frames of {body.frame_length} bytes for a message in frames of {self.frame_length}")
        if len(data) != FINAL_OVERHEAD + body.tail:
            raise MalformedMessage(f"{len(data)} bytes of a final frame; it has {FINAL_OVERHEAD + body.tail}")
        out = bytearray(body.tail)
        self._opener.final(body.final_seq, data, memoryview(out))
        if self._body not in (None, body):
            raise derive.altered()  # two authentic ends: the host mixes two passes over one message
        self._body = body
        return out

    def frames(self, first: int, stored: Buffer) -> bytearray:
        """Decrypt a run of consecutive whole regular frames, `first` being the seq of the first: all of them or none.

        Raises: IntegrityError, MalformedMessage (not whole frames), RuntimeError (before `final`), ValueError (not frames of
        the body that `final` authenticated).
        """
        data = view(stored)
        out = bytearray(self._run_length(first, data))
        self._opener.run(first, data, memoryview(out))
        return out

    def frames_into(self, first: int, stored: Buffer, out: Buffer) -> int:
        """Do as `frames` does, with the plaintext at the front of `out`; return how many bytes it is.

        Where it fails, those bytes of `out` are zeros.

        Raises: as `frames`, and ValueError (`out` is too short, read-only or the buffer that is read).
        """
        data = view(stored)
        target = front(out, self._run_length(first, data), data)
        try:
            self._opener.run(first, data, target)
        except BaseException:
            _wipe(target)
            raise
        return len(target)

    def whole(self, message: Buffer) -> bytearray:
        """Decrypt the complete message, header included, into one buffer.

        Raises: IntegrityError, MalformedMessage (cut or extended).
        """
        data = view(message)
        body = self.body(len(data))
        out = bytearray(body.plaintext_length)
        self._whole(body, data, memoryview(out))
        return out

    def whole_into(self, message: Buffer, out: Buffer) -> int:
        """Do as `whole` does, with the plaintext at the front of `out`; return how many bytes it is.

        Where it fails, those bytes of `out` are zeros.

        Raises: as `whole`, and ValueError (`out` is too short, read-only or the buffer that is read).
        """
        data = view(message)
        body = self.body(len(data))
        target = front(out, body.plaintext_length, data)
        try:
            self._whole(body, data, target)
        except BaseException:
            _wipe(target)
            raise
        return len(target)

    def _run_length(self, first: int, data: memoryview) -> int:
        """Return the plaintext bytes of the regular frames in `data`, which begin with the frame `first` of the body."""
        if self._body is None:
            raise RuntimeError("the final frame comes first: it authenticates the length")
        size = self.frame_length
        count, rest = divmod(len(data), size + REGULAR_OVERHEAD)
        if rest or not count:
            raise MalformedMessage(f"{len(data)} bytes are not whole frames of {size + REGULAR_OVERHEAD} stored bytes")
        self._body.span(first, first + count - 1, self.header_length)
        return count * size

    def _whole(self, body: Body, data: memoryview, out: memoryview) -> None:
        final = body.final_span(self.header_length)
        split = len(out) - body.tail
        self._opener.final(body.final_seq, data[final.start :], out[split:])
        if split:
            self._opener.run(1, data[self.header_length : final.start], out[:split])


def _wipe(out: memoryview) -> None:
    """Leave no plaintext in a buffer that somebody else holds, after a message did not authenticate to its end."""
    out[:] = bytes(len(out))


def decrypt(message: Buffer, key_for: KeyFor, *, frame_lengths: range = FRAME_LENGTHS) -> bytearray:
    """Return the plaintext of a complete message. The caller has still to check that the context names the right place.

    Raises: IntegrityError, MalformedMessage (cut or extended), and what `key_for` raises.
    """
    return Decryptor.open(message, key_for, frame_lengths=frame_lengths).whole(message)
