"""Two volumes in memory, a journal between them, and hosts that misbehave in one named way."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from migrate import tokens
from migrate.journal import Item, Journal, Listed
from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Attributes, Backend
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume

KEYS = VolumeKeys.generate("lake", frame_length=4096)


def memory() -> MemoryBackend:
    """Return a new, empty store."""
    return MemoryBackend(Location(f"memory://{uuid.uuid4().hex}"))


class Meddling:
    """A backend that calls `before(verb, key)` before each verb on an object, which may raise, and passes all else on."""

    def __init__(self, inner: Backend, before: Callable[[str, str], None] = lambda _verb, _key: None) -> None:
        self._inner, self._before = inner, before

    def __getattr__(self, name: str):
        attribute = getattr(self._inner, name)
        if name not in ("get", "put", "stat", "delete", "begin"):
            return attribute

        def meddled(key: str, *arguments: object, **options: object):
            self._before(name, key)
            return attribute(key, *arguments, **options)

        return meddled


class Exchange:
    """A clear source, a sealed target, and the journal of the migration between them."""

    def __init__(self, folder: Path) -> None:
        self.source = Volume(memory(), None)
        self.target = Volume(memory(), KEYS)
        self.journal = Journal.open(folder / "lake.journal", create=True)

    def put(self, key: str, data: bytes, attributes: Attributes | None = None) -> None:
        """Write an object at the source."""
        self.source.write(key, data, attributes=attributes)

    def take_inventory(self) -> None:
        """Bring the journal up to the source's listing."""
        self.journal.scan("source", self._listed())
        self.journal.reconcile()

    def meddled_source(self, before: Callable[[str, str], None]) -> Volume:
        return Volume(Meddling(self.source.backend, before), None)

    def meddled_target(self, before: Callable[[str, str], None]) -> Volume:
        return Volume(Meddling(self.target.backend, before), KEYS)

    def item(self, key: str) -> Item:
        found = self.journal.item(key)
        assert found is not None
        return found

    def states(self) -> dict[str, str]:
        return {item.key: item.state for item in self.journal.items()}

    def target_keys(self) -> set[str]:
        return {info.key for info in self.target.list()}

    def target_holds(self) -> dict[str, bytes]:
        return {info.key: self.target.read(info.key) for info in self.target.list()}

    def _listed(self) -> Iterator[Listed]:
        return (Listed(stat.key, stat.size, tokens.token(stat)) for stat in self.source.backend.inventory())


class Verb:
    """Counts the calls of one verb, and can make them fail: for `Meddling`."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self.keys: list[str] = []
        self._errors: dict[str, Iterator[Exception]] = {}

    def fail(self, key: str, *errors: Exception) -> None:
        """Let the next calls on the key raise these errors, one each."""
        self._errors[key] = iter(errors)

    def fail_always(self, error: Exception, *keys: str) -> None:
        """Let every call on the keys raise the error."""
        self._errors |= dict.fromkeys(keys, itertools.repeat(error))

    def __call__(self, verb: str, key: str) -> None:
        if verb == self._verb:
            self.keys.append(key)
            if (error := next(self._errors.get(key, iter(())), None)) is not None:
                raise error
