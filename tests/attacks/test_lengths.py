"""What a host can measure. There is no padding: these tests state the leak that the threat model documents."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from portable.backends.protocol import Attributes
from tests.attacks.host import FRAME, HEADER, Place

PLACE = Place()


def stored_length(size: int) -> int:
    return HEADER + 40 + size + 32 * (size // FRAME)


@given(st.integers(0, 3 * FRAME))
def test_a_host_computes_the_length_of_the_plaintext_from_that_of_the_object(size: int) -> None:
    PLACE.volume.write("k", bytes(size))
    assert len(PLACE.host.kept("k")) == stored_length(size)


@given(
    st.text(min_size=1, max_size=100).filter(lambda key: not key.startswith(".portable/")),
    st.binary(max_size=50),
    st.text(max_size=20),
)
def test_nothing_but_the_length_of_the_plaintext_decides_the_length_of_the_object(key: str, data: bytes, kind: str) -> None:
    modified = datetime(2001, 2, 3, tzinfo=UTC)
    PLACE.volume.write(key, data, attributes=Attributes(content_type=kind), modified=modified)
    assert len(PLACE.host.kept(key)) == stored_length(len(data))


def test_metadata_that_does_not_fit_the_slot_shows_as_a_second_object_and_its_length() -> None:
    place = Place()
    place.volume.write("small", b"", attributes=Attributes(metadata={"a": "x" * 100}))
    assert not list(place.host.list(".portable/"))
    lengths = []
    for length in (200, 201):
        place.volume.write("large", b"", attributes=Attributes(metadata={"a": "x" * length}))
        lengths.append(max(stat.size for stat in place.host.list(".portable/")))
    assert lengths[1] == lengths[0] + 1


def test_equal_objects_look_different_but_for_their_place() -> None:
    place = Place()
    seen = []
    for _ in range(3):
        place.volume.write("k", b"equal", attributes=Attributes(), modified=datetime(2001, 2, 3, tzinfo=UTC))
        seen.append(place.host.kept("k"))
    # Fixed by the format: version and suite, context names, the keyed hash of the place, the epoch's name, lengths, seq.
    common = [at for at in range(len(seen[0])) if len({each[at] for each in seen}) == 1]
    assert set(range(3, 35)).isdisjoint(common) or len(set(range(3, 35)) & set(common)) <= 2
    assert len(common) < HEADER - 32 - 60 - 100
