"""A host that answers as it likes: every lie is a function that a test puts between the stored bytes and the answer."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Attributes, Fetched, Stat
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from portable.volume.reading import chunks

FRAME = 4096
STORED = FRAME + 32
HEADER = 554
KEY = "records/2031/01.parquet"
PLAINTEXT = b"".join(number.to_bytes(4, "big") for number in range(5 * FRAME // 4)) + b"the tail"


@dataclass(frozen=True)
class Asked:
    """One request for bytes [start, stop) of an object."""

    key: str
    start: int
    stop: int | None
    if_match: str | None


class MaliciousHost:
    """A store in memory, and a host that may lie in every answer. What it was not told to lie about is true."""

    def __init__(self) -> None:
        self._store = MemoryBackend(Location(f"memory://{uuid.uuid4().hex}"))
        self.url, self.capabilities, self.bound = self._store.url, self._store.capabilities, self._store.bound
        self.answers: Callable[[Asked, Fetched], Fetched] = lambda _, truth: truth
        self.describes: Callable[[Stat], Stat] = lambda truth: truth
        self.lists: Callable[[Iterable[Stat]], Iterable[Stat]] = lambda truth: truth
        self.honours_conditions = True
        self.asked: list[Asked] = []
        self.puts: list[tuple[str, bytes]] = []

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        asked = Asked(key, start, stop, if_match)
        self.asked.append(asked)
        return self.answers(asked, self._store.get(key, start, stop, if_match=if_match if self.honours_conditions else None))

    def stat(self, key: str) -> Stat:
        return self.describes(self._store.stat(key))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return iter(self.lists(self._store.list(prefix)))

    def put(self, key: str, data, **options) -> Stat:
        self.puts.append((key, bytes(data)))
        return self._store.put(key, data, **options)

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def kept(self, key: str) -> bytes:
        """Return the bytes at the key, as the host has them."""
        return bytes(self._store.get(key).data)

    def keep(self, key: str, data: bytes, attributes: Attributes | None = None) -> None:
        """Put bytes of the host's own choice at the key."""
        self._store.put(key, data, attributes=attributes)


@dataclass
class Place:
    """A sealed volume at a malicious host, and one object in it."""

    host: MaliciousHost = field(default_factory=MaliciousHost)
    keys: VolumeKeys = field(default_factory=lambda: VolumeKeys.generate("lake", frame_length=FRAME))

    def __post_init__(self) -> None:
        self.volume = Volume(self.host, self.keys)
        self.volume.write(KEY, PLAINTEXT)
        self.message = self.host.kept(KEY)
        self.header, self.final = self.message[:HEADER], self.message[HEADER + 5 * STORED :]
        self.frames = [self.message[HEADER + index * STORED : HEADER + (index + 1) * STORED] for index in range(5)]


def in_pieces(volume: Volume, key: str) -> bytes:
    return b"".join(chunks(volume.reader(key), FRAME))


def as_a_file(volume: Volume, key: str) -> bytes:
    with volume.open(key) as stream:
        return stream.read()


WAYS: dict[str, Callable[[Volume, str], object]] = {
    "whole": lambda volume, key: volume.read(key),
    "first bytes": lambda volume, key: volume.read(key, 0, 10),
    "last bytes": lambda volume, key: volume.read(key, len(PLAINTEXT) - 3, len(PLAINTEXT)),
    "no bytes": lambda volume, key: volume.read(key, 7, 7),
    "in pieces": in_pieces,
    "as a file": as_a_file,
    "description": lambda volume, key: volume.info(key),
}
"""Every way to an object of a volume."""
WHOLE = {name: WAYS[name] for name in ("whole", "in pieces", "as a file")}
"""The ways that need every frame."""
