"""One level of a store's keys: what stands directly under a prefix, and the folders there. Pure."""

from collections.abc import Iterable, Iterator

from portable.backends.key_rules import check_text
from portable.backends.protocol import Folder, Stat
from portable.errors import ConfigurationError


def check_level(prefix: str, *, url: str) -> None:
    """Raise ConfigurationError for a prefix that ends within a name, InvalidKey for one that is no text."""
    check_text(prefix, url=url)
    if prefix and not prefix.endswith("/"):
        raise ConfigurationError(f"list {prefix!r} in {url}: a level is listed by a prefix that ends in a slash, or is empty")


def folder_of(key: str, prefix: str) -> Folder | None:
    """Return the folder directly under `prefix` that `key`, which starts with it, lies in; None where it lies in none."""
    end = key.find("/", len(prefix))
    return None if end < 0 else Folder(key[: end + 1])


def level(stats: Iterable[Stat], prefix: str) -> Iterator[Stat | Folder]:
    """Give of the objects whose keys start with `prefix` those directly under it, and each folder of the others once."""
    seen: set[Folder] = set()
    for stat in stats:
        folder = folder_of(stat.key, prefix)
        if folder is None:
            yield stat
        elif folder not in seen:
            seen.add(folder)
            yield folder
