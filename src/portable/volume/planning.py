"""Which requests a read takes: arithmetic between the ranges that are wanted and what is fetched for them. Pure.

All lengths and offsets are bytes of plaintext. What is fetched begins and ends at multiples of a *unit*: a frame of a sealed
object, a byte of a clear one.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from portable.errors import ConfigurationError

Range = tuple[int, int | None]
"""Bytes [start, stop) of plaintext; None for the object's end, and negative numbers count from there."""

_KIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a volume reads. Raises: ConfigurationError (a number is too small).

    A call holds at most `requests` times `piece` bytes as they are stored, beside what it returns; a file that is read from
    front to back at most `windows` + 1 times `window`, and as much again while the windows are on their way.
    """

    requests: int = 8
    """Requests that one call has in flight at most; more than one where it wants more than `piece` bytes, or many ranges."""
    piece: int = 8 * _MIB
    """Bytes that one request asks for at most; one frame, where frames are longer."""
    gap: int = 64 * _KIB
    """Bytes between two ranges that are fetched for nothing, rather than to send another request."""
    ahead: int = 64 * _KIB
    """Bytes that come with an object's header: objects up to this length cost one request."""
    tail: int = 64 * _KIB
    """Bytes at the end of a larger object that are fetched when it is opened as a file: footers and indexes lie there."""
    window: int = _MIB
    """Bytes of each stretch that is fetched in advance while a file is read from front to back. Larger ones take more processor
    time a byte: they do not stay in its cache."""
    windows: int = 8
    """Stretches that are fetched in advance at most; 0 for none."""

    @classmethod
    def parse(cls, text: str) -> "Reading":
        """Return the numbers that `text` gives (`requests=16,windows=0`), and the defaults of the others.

        Raises: ConfigurationError (there is no such number, or it is too small).
        """
        names = [each.name for each in fields(cls)]
        given: dict[str, int] = {}
        for pair in text.split(",") if text else ():
            name, _, value = pair.partition("=")
            if name not in names or not value.isdecimal():
                raise ConfigurationError(f"reading: {pair!r} is not a whole number of these: {', '.join(names)}")
            given[name] = int(value)
        return cls(**given)

    def __post_init__(self) -> None:
        for each in fields(self):
            least = 1 if each.name in ("requests", "piece", "window") else 0
            if getattr(self, each.name) < least:
                raise ConfigurationError(f"reading: {each.name} is {least} or more, and not {getattr(self, each.name)}")


class Stretch(NamedTuple):
    """Bytes [start, stop) of an object's plaintext."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Bytes."""
        return self.stop - self.start

    def aligned(self, unit: int, end: int) -> "Stretch":
        """Return the least stretch around this one that starts and stops at multiples of `unit`, or stops at `end`."""
        return Stretch(self.start // unit * unit, min(-(-self.stop // unit) * unit, end))


def clamp(start: int, stop: int | None, size: int) -> Stretch:
    """Return the range [start, stop) within an object of `size` bytes; negative bounds count from its end, as in a slice."""
    if start < 0:
        start = max(0, size + start)
    end = size if stop is None else min(stop, size) if stop >= 0 else max(0, size + stop)
    return Stretch(min(start, end), end)


def plan(
    ranges: Sequence[Stretch], *, unit: int, end: int, held: Sequence[Stretch] = (), gap: int, largest: int
) -> list[Stretch]:
    """Return what to fetch so that, with what is `held`, every range is there: one stretch a request, in ascending order.

    `ranges` may be in any order and overlap; beyond `end` nothing can be fetched. `held` are disjoint, begin and end at
    multiples of `unit`, or at `end`. No byte is fetched twice, or that is held. Stretches at most `gap` apart come in one
    request, as long as that asks for no more than `largest` bytes; longer ones are cut into requests of about one length.
    """
    wanted = [each.aligned(unit, end) for each in ranges if each.start < min(each.stop, end)]
    if not wanted:
        return wanted
    start, stop = wanted[0]
    if len(wanted) == 1 and stop - start <= largest and all(each.stop <= start or stop <= each.start for each in held):
        return wanted  # as a rule
    found: list[Stretch] = []
    for stretch in _without(_united(wanted), held):
        for piece in _cut(stretch, unit, largest):
            if found and piece.start - found[-1].stop <= gap and piece.stop - found[-1].start <= largest:
                between = Stretch(found[-1].stop, piece.start)
                if not any(each.start < between.stop and between.start < each.stop for each in held):
                    found[-1] = Stretch(found[-1].start, piece.stop)
                    continue
            found.append(piece)
    return found


def shares(stretches: Sequence[Stretch], ranges: Sequence[Stretch]) -> list[list[int]]:
    """Return for each of the disjoint, ascending `stretches` which of the `ranges` (their numbers) have bytes of it."""
    starts = [each.start for each in stretches]
    found: list[list[int]] = [[] for _ in stretches]
    for number, (start, stop) in enumerate(ranges):
        if start == stop:
            continue
        index = max(0, bisect_right(starts, start) - 1)
        while index < len(stretches) and stretches[index].start < stop:
            if start < stretches[index].stop:
                found[index].append(number)
            index += 1
    return found


def _united(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Give disjoint stretches, in ascending order, that hold the same bytes; what touches becomes one."""
    last: Stretch | None = None
    for each in sorted(stretches):
        if last is None or each.start > last.stop:
            if last is not None:
                yield last
            last = each
        else:
            last = Stretch(last.start, max(last.stop, each.stop))
    if last is not None:
        yield last


def _without(stretches: Iterable[Stretch], held: Sequence[Stretch]) -> Iterator[Stretch]:
    """Give what of the stretches is not held, in ascending order."""
    ordered = sorted(held)
    for stretch in stretches:
        start = stretch.start
        for each in ordered:
            if start < each.start < stretch.stop:
                yield Stretch(start, each.start)
            if each.start < stretch.stop:
                start = max(start, each.stop)
        if start < stretch.stop:
            yield Stretch(start, stretch.stop)


def _cut(stretch: Stretch, unit: int, largest: int) -> Iterator[Stretch]:
    """Cut a stretch into pieces of at most `largest` bytes, or one unit, that differ in length by no more than a unit."""
    units, most = -(-stretch.length // unit), max(1, largest // unit)
    pieces = -(-units // most)
    bounds = [stretch.start + units * number // pieces * unit for number in range(pieces)]
    for start, stop in zip(bounds, [*bounds[1:], stretch.stop], strict=True):
        yield Stretch(start, stop)
