"""Where frames lie: arithmetic between plaintext lengths, stored lengths and offsets.

Pure, and believed only as far as its input: a length from a listing is a hint until the final frame has authenticated it.
Frames are counted from 1 (their `seq`); all lengths and offsets are bytes.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from portable.errors import MalformedMessage

REGULAR_OVERHEAD: Final = 4 + 12 + 16
"""seq, IV, tag."""
FINAL_OVERHEAD: Final = 4 + 4 + 12 + 4 + 16
"""End marker, seq, IV, length, tag."""
MAX_REGULAR_FRAMES: Final = 2**32 - 2
"""A regular frame with seq 2^32-1 would read as the end marker; the final frame alone may have it."""


class Span(NamedTuple):
    """Bytes [start, stop) of a stored message."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Cover:
    """The frames that hold a plaintext range, and nothing else."""

    regular: range
    """The seq numbers of the regular frames; may be empty."""
    final: bool
    """The range reaches into the final frame."""
    origin: int
    """Plaintext offset of the first byte that these frames hold."""


@dataclass(frozen=True, slots=True)
class Body:
    """What follows the header: regular frames of `frame_length` plaintext bytes each, then a final frame.

    Raises: ValueError for numbers that no message can have.
    """

    frame_length: int
    frames: int
    """How many regular frames."""
    tail: int
    """Plaintext bytes in the final frame: 0 to `frame_length`."""

    def __post_init__(self) -> None:
        if self.frame_length < 1:
            raise ValueError(f"frames of {self.frame_length} bytes: a frame holds at least 1")
        if not 0 <= self.frames <= MAX_REGULAR_FRAMES:
            raise ValueError(f"{self.frames} regular frames: a message has 0 to {MAX_REGULAR_FRAMES}; use longer frames")
        if not 0 <= self.tail <= self.frame_length:
            raise ValueError(f"{self.tail} bytes in a final frame: it holds 0 to {self.frame_length}")

    @classmethod
    def of_stored(cls, stored_length: int, frame_length: int) -> "Body":
        """Return the one body that is `stored_length` bytes long (the header not counted).

        Raises: MalformedMessage where no body of frames this long has that length.
        """
        frames, tail = divmod(stored_length - FINAL_OVERHEAD, frame_length + REGULAR_OVERHEAD)
        if not 0 <= frames <= MAX_REGULAR_FRAMES or tail > frame_length:
            raise MalformedMessage(
                f"no message has a body of {stored_length} bytes in frames of {frame_length}: cut or extended"
            )
        return cls(frame_length, frames, tail)

    @classmethod
    def of_plaintext(cls, plaintext_length: int, frame_length: int) -> "Body":
        """Return the body that our writer makes; it ends an exact multiple of `frame_length` with an empty final frame.

        The public SDK for Python does the same. Others fill the final frame instead, so readers take both.

        Raises: ValueError (negative, or more frames than a message can have).
        """
        return cls(frame_length, *divmod(plaintext_length, frame_length))

    @classmethod
    def hint(cls, stored_length: int, frame_length: int) -> int:
        """Return the plaintext length that a listed body length suggests; 0 where no body has that length.

        Never raises, so that one foreign object does not end a listing; reading it does say what is wrong with it.
        """
        try:
            return cls.of_stored(stored_length, frame_length).plaintext_length
        except MalformedMessage:
            return 0

    @property
    def plaintext_length(self) -> int:
        """Bytes of plaintext."""
        return self.frames * self.frame_length + self.tail

    @property
    def stored_length(self) -> int:
        """Bytes of the body as stored; the header comes before it."""
        return self.frames * (self.frame_length + REGULAR_OVERHEAD) + FINAL_OVERHEAD + self.tail

    @property
    def final_seq(self) -> int:
        """The seq of the final frame."""
        return self.frames + 1

    def span(self, first: int, last: int, header_length: int) -> Span:
        """Return where the regular frames `first` to `last` (both included) lie in the message.

        Raises: ValueError (not frames of this body).
        """
        if not 1 <= first <= last <= self.frames:
            raise ValueError(f"frames {first} to {last} are not regular frames of a body that has {self.frames}")
        stored = self.frame_length + REGULAR_OVERHEAD
        return Span(header_length + (first - 1) * stored, header_length + last * stored)

    def final_span(self, header_length: int) -> Span:
        """Return where the final frame lies in the message."""
        stop = header_length + self.stored_length
        return Span(stop - FINAL_OVERHEAD - self.tail, stop)

    def cover(self, start: int, stop: int) -> Cover:
        """Return the frames that hold plaintext bytes [start, stop), clamped to the end.

        Raises: ValueError (a negative or reversed range).
        """
        if not 0 <= start <= stop:
            raise ValueError(f"[{start}, {stop}) is not a range of bytes")
        stop = min(stop, self.plaintext_length)
        if start >= stop:
            return Cover(range(1, 1), final=False, origin=start)
        first = start // self.frame_length + 1
        last = min((stop - 1) // self.frame_length + 1, self.frames)
        final = stop > self.frames * self.frame_length
        return Cover(range(first, last + 1), final, origin=(first - 1) * self.frame_length)
