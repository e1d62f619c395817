"""Writers: parts of one size, in one buffer, which does not change while a part of it is being sent."""

import io
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.errors import Unavailable
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import Metadata, open_header
from portable.volume import Volume
from portable.volume.writing import PIECE

KEYS = VolumeKeys.generate("lake", frame_length=4096)
MIB = 2**20


class Sending(MemoryBackend):
    """Keeps every part as it is handed over, and compares it with what was handed over when it has been sent."""

    def __init__(self):
        super().__init__(Location(url=f"memory://{uuid.uuid4().hex}"))
        self.sending = False
        self.handed_over = []
        self.lengths = []

    def begin(self, key, *, attributes=None):
        upload = super().begin(key, attributes=attributes)
        send = upload.part

        def part(number, data):
            self.sending, copy = True, bytes(data)
            self.handed_over.append(data)
            confirmed = send(number, copy)
            assert bytes(data) == copy
            self.sending = False
            self.lengths.append(len(copy))
            return confirmed

        upload.part = part
        return upload


class Watched(io.BytesIO):
    """A file that is not read while a part is being sent."""

    def __init__(self, data, backend):
        super().__init__(data)
        self.backend = backend

    def read(self, size=-1):
        assert not self.backend.sending
        return super().read(size)


@pytest.fixture
def backend():
    return Sending()


@pytest.mark.parametrize("keys", [KEYS, None], ids=["sealed", "clear"])
def test_the_one_buffer_of_a_writer_is_left_alone_while_a_part_is_being_sent(backend, keys):
    data = bytes(range(251)) * (3 * backend.capabilities.part_size // 250)
    Volume(backend, keys).write("big", Watched(data, backend))

    assert Volume(backend, keys).read("big") == data
    assert len({id(part.obj) for part in backend.handed_over}) == 1
    assert set(backend.lengths[:-1]) == {backend.capabilities.part_size}
    assert 0 < backend.lengths[-1] <= backend.capabilities.part_size


@pytest.mark.parametrize("keys", [KEYS, None], ids=["sealed", "clear"])
def test_what_fits_one_part_is_one_put_that_sends_the_same_bytes_when_it_is_repeated(backend, keys, monkeypatch):
    sent = []
    put = backend.put

    def lossy(key, data, **conditions):
        sent.append(bytes(data))
        if len(sent) == 1:
            raise Unavailable("no answer")
        return put(key, data, **conditions)

    monkeypatch.setattr(backend, "put", lossy)
    volume, source = Volume(backend, keys), bytearray(b"x" * (PIECE + 1))
    staged = volume.stage("k", source, Metadata())
    source[:] = bytes(len(source))
    with pytest.raises(Unavailable):
        staged.commit()
    staged.commit()

    assert sent[0] == sent[1]
    assert volume.read("k") == b"x" * (PIECE + 1)
    assert not backend.handed_over


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_an_upload_begins_where_the_stored_bytes_exceed_one_part(backend, over):
    volume = Volume(backend, KEYS)
    frames, rest = divmod(backend.capabilities.part_size - _empty(backend) + over, 4096 + 32)
    assert rest < 4096
    data = bytes(frames * 4096 + rest)
    for source in (data, io.BytesIO(data), iter([data[:5000], data[5000:]])):
        info = volume.write("k", source)
        assert info.stat.size == backend.capabilities.part_size + over
        assert volume.read("k") == data
    assert backend.lengths == ([backend.capabilities.part_size, 1] * 3 if over > 0 else [])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3 * MIB), max_size=6))
def test_chunks_of_any_length_make_one_object(lengths):
    volume = Volume(Sending(), KEYS)
    pattern = bytes(range(251)) * (3 * MIB // 250)
    info = volume.write("k", (pattern[:length] for length in lengths))
    assert info.size == sum(lengths)
    assert volume.read("k") == b"".join(pattern[:length] for length in lengths)


def _empty(backend):
    """Return the stored length of an empty object."""
    Volume(backend, KEYS).write("empty", b"")
    data = backend.get("empty").data
    assert open_header(KEYS, "empty", data).whole(data) == b""
    return len(data)
