"""Bodies: edited, cut, extended, spliced, and served differently from one request to the next."""

import pytest
from msgspec.structs import replace

from portable.errors import IntegrityError
from portable.volume import Volume
from portable.volume.reading import chunks
from tests.attacks.host import FRAME, HEADER, KEY, PLAINTEXT, STORED, WAYS, WHOLE, Place


def altered(stored: bytes, at: int) -> bytes:
    return stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]


def renumbered(frame: bytes, seq: int) -> bytes:
    return seq.to_bytes(4, "big") + frame[4:]


EDITS = {
    "two frames exchanged": lambda f: [f[1], f[0], *f[2:]],
    "two frames exchanged and renumbered": lambda f: [renumbered(f[1], 1), renumbered(f[0], 2), *f[2:]],
    "a frame dropped": lambda f: [f[0], *f[2:]],
    "a frame dropped and the rest renumbered": lambda f: [f[0], *(renumbered(frame, i + 2) for i, frame in enumerate(f[2:]))],
    "a frame twice": lambda f: [f[0], f[0], *f[1:]],
    "a frame twice in the place of another": lambda f: [f[0], f[0], *f[2:]],
    "a frame of zeros": lambda f: [f[0], bytes(STORED), *f[2:]],
    "another IV": lambda f: [altered(f[0], 4), *f[1:]],
    "another tag": lambda f: [altered(f[0], STORED - 1), *f[1:]],
    "a bit of the ciphertext": lambda f: [altered(f[0], 16), *f[1:]],
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("way", WHOLE)
def test_edited_frames_are_refused_however_the_object_is_read(place: Place, edit: str, way: str) -> None:
    place.host.keep(KEY, place.header + b"".join(EDITS[edit](place.frames)) + place.final)
    with pytest.raises(IntegrityError):
        WHOLE[way](place.volume, KEY)


CUTS = {
    "the final frame missing": lambda p: p.message[: -len(p.final)],
    "cut behind the first frame": lambda p: p.message[: HEADER + STORED],
    "nothing behind the header": lambda p: p.header,
    "half a header": lambda p: p.header[: HEADER // 2],
    "nothing at all": lambda _: b"",
    "one byte missing": lambda p: p.message[:-1],
    "the last regular frame cut out": lambda p: p.header + b"".join(p.frames[:-1]) + p.final,
    "one byte behind the end": lambda p: p.message + b"\0",
    "a frame behind the end": lambda p: p.message + p.frames[0],
    "the final frame twice": lambda p: p.message + p.final,
    "the message twice": lambda p: p.message * 2,
    "another end marker": lambda p: altered(p.message, len(p.message) - len(p.final)),
    "another seq in the final frame": lambda p: altered(p.message, len(p.message) - len(p.final) + 7),
    "another length in the final frame": lambda p: altered(p.message, len(p.message) - len(p.final) + 23),
    "a final frame made of a regular one": lambda p: p.header + b"\xff" * 4 + p.frames[0][:16] + p.frames[0][12:],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("way", WAYS)
def test_a_cut_or_extended_object_is_refused_when_it_is_opened_whatever_is_asked_of_it(
    place: Place, cut: str, way: str
) -> None:
    place.host.keep(KEY, CUTS[cut](place))
    with pytest.raises(IntegrityError):
        WAYS[way](place.volume, KEY)


@pytest.mark.parametrize("part", ["header", "frame", "final frame", "all frames"])
def test_parts_of_an_older_version_do_not_mix_with_the_newer_one(place: Place, part: str) -> None:
    place.volume.write(KEY, PLAINTEXT)
    newer = Place.__new__(Place)
    newer.message = place.host.kept(KEY)
    mixed = {
        "header": place.header + newer.message[HEADER:],
        "frame": newer.message[:HEADER] + place.frames[0] + newer.message[HEADER + STORED :],
        "final frame": newer.message[: -len(place.final)] + place.final,
        "all frames": newer.message[:HEADER] + b"".join(place.frames) + newer.message[-len(place.final) :],
    }[part]
    place.host.keep(KEY, mixed)
    for way in WHOLE.values():
        with pytest.raises(IntegrityError):
            way(place.volume, KEY)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (FRAME - 1, FRAME + 1), (4 * FRAME, 4 * FRAME + 1)])
def test_an_edit_inside_a_range_is_refused_and_ranges_beside_it_still_read(place: Place, start: int, stop: int) -> None:
    at = HEADER + start // FRAME * STORED + 16 + start % FRAME
    place.host.keep(KEY, altered(place.message, at))
    with pytest.raises(IntegrityError):
        place.volume.read(KEY, start, stop)
    untouched = 2 * FRAME
    assert place.volume.read(KEY, untouched, untouched + FRAME) == PLAINTEXT[untouched : untouched + FRAME]


def test_a_host_that_shows_one_object_at_the_opening_and_another_in_the_range_is_refused(place: Place) -> None:
    def swap_frames(asked, truth):
        return replace(truth, data=place.frames[1]) if asked.start == HEADER else truth

    place.host.answers = swap_frames
    reader = place.volume.reader(KEY)
    with pytest.raises(IntegrityError):
        reader.read(0, FRAME)
    assert reader.read(FRAME, 2 * FRAME) == PLAINTEXT[FRAME : 2 * FRAME]


@pytest.mark.parametrize("length", [0, 1, STORED - 1, STORED + 1, 3 * STORED])
def test_a_range_answered_with_fewer_or_more_bytes_is_refused(place: Place, length: int) -> None:
    whole = b"".join(place.frames)
    reader = place.volume.reader(KEY)
    place.host.answers = lambda _, truth: replace(truth, data=whole[:length])
    with pytest.raises(IntegrityError):
        reader.read(0, FRAME)


def test_what_is_released_before_a_bad_frame_is_a_true_beginning_and_the_bad_frame_is_not_in_it(place: Place) -> None:
    place.host.keep(KEY, altered(place.message, HEADER + 3 * STORED + 100))
    released = chunks(place.volume.reader(KEY), FRAME)
    assert [next(released) for _ in range(3)] == [PLAINTEXT[at * FRAME : (at + 1) * FRAME] for at in range(3)]
    with pytest.raises(IntegrityError):
        next(released)


def test_a_host_that_lies_to_one_reader_cannot_spoil_another(place: Place) -> None:
    """Nothing of an opened object is kept for later readers, so a poisoned answer has nowhere to stay."""
    place.host.answers = lambda _, truth: replace(truth, data=altered(bytes(truth.data), 100))
    with pytest.raises(IntegrityError):
        place.volume.read(KEY)
    place.host.answers = lambda _, truth: truth
    assert place.volume.read(KEY) == Volume(place.host, place.keys).read(KEY) == PLAINTEXT
