"""A store in memory with small parts, that watches what uploads do and fails where it is told to."""

import threading
import uuid
from dataclasses import dataclass, field, replace

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend

PART = 1 << 16


class Gate(threading.Event):
    """Where a call waits until the test opens it; `reached` tells that one does."""

    def __init__(self):
        super().__init__()
        self.reached = threading.Event()

    def pass_through(self):
        self.reached.set()
        assert self.wait(20)


@dataclass
class Watching:
    """What one upload was given. A part must not change while it is on its way."""

    inner: object
    store: "UploadStore"
    token: str = ""
    sizes: dict = field(default_factory=dict)
    buffers: set = field(default_factory=set)
    on_the_way: int = 0
    most: int = 0
    ended: str = ""

    def part(self, number, data):
        assert not self.ended
        copy = bytes(data)
        with self.store.lock:
            self.on_the_way += 1
            self.most = max(self.most, self.on_the_way)
            self.buffers.add(id(data.obj))
        try:
            if gate := self.store.gates.get(number):
                gate.pass_through()
            if error := self.store.failing.get(number):
                raise error
            assert bytes(data) == copy
            self.inner._parts[number] = copy
            self.sizes[number] = len(copy)
            return "none"
        finally:
            with self.store.lock:
                self.on_the_way -= 1

    def staged(self):
        return self.inner.staged()

    def commit(self, *expect):
        assert not self.on_the_way
        if gate := self.store.gates.get("commit"):
            gate.pass_through()
        if error := self.store.failing.get("commit"):
            raise error
        stat = self.inner.commit(*expect)
        self.ended = "committed"
        if gate := self.store.gates.get("committed"):
            gate.pass_through()
        if self.store.lost:
            raise self.store.lost.pop()
        return stat

    def abort(self):
        assert not self.on_the_way
        self.ended = self.ended or "aborted"
        if error := self.store.failing.get("abort"):
            raise error
        self.inner.abort()


class UploadStore(MemoryBackend):
    """`failing` maps the number of a part, "put", "begin", "commit" or "abort" to what it raises; `lost` holds what commits
    raise that took effect. `gates` hold up parts by number, and a commit before ("commit") or after ("committed") its effect.
    """

    def __init__(self, part_size=PART, **capabilities):
        super().__init__(Location(url=f"memory://{uuid.uuid4().hex}"))
        self.capabilities = replace(self.capabilities, part_size=part_size, **capabilities)
        self.lock = threading.Lock()
        self.failing, self.gates = {}, {}
        self.lost = []
        self.uploads: list[Watching] = []
        self.puts = 0

    def put(self, key, data, **options):
        if error := self.failing.get("put"):
            raise error
        self.puts += not self.uploads
        return super().put(key, data, **options)

    def begin(self, key, *, attributes=None):
        if error := self.failing.get("begin"):
            raise error
        self.uploads.append(Watching(super().begin(key, attributes=attributes), self))
        return self.uploads[-1]
