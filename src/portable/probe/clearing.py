"""Removes all that a probe wrote: objects, versions, markers, uploads; and looks again whether anything is left."""

from collections.abc import Iterable
from typing import Final

from portable.backends.raw import Raw
from portable.errors import PortableError, Unavailable

_ROUNDS: Final = 3
_MOST_PAGES: Final = 100


def clear(raw: Raw, prefix: str) -> tuple[str, ...]:
    """Remove what stands under `prefix` and what the ledger tells; return what is left, in words, by its keys.

    Raises nothing but what interrupts a program.
    """
    left: list[str] = []
    for _ in range(_ROUNDS):
        left = _round(raw, prefix)
        if not left:
            raw.ledger.keys.clear()
            raw.ledger.uploads.clear()
            raw.ledger.versions.clear()
            break
    return tuple(left)


def _round(raw: Raw, prefix: str) -> list[str]:
    try:
        # First what the ledger tells: an awkward key can make listings unreadable.
        for key in _deepest_first(raw.ledger.keys):
            raw.delete(key)
        for key, version in list(raw.ledger.versions):
            raw.delete(key, version=version)
        for key, upload in dict.fromkeys([*raw.ledger.uploads, *_uploads(raw, prefix)]):
            raw.abort(key, upload)
        for key, version in _versions(raw, prefix):
            raw.delete(key, version=version)
        for key in _deepest_first(_listed(raw, prefix)):
            raw.delete(key)
        for key, version in _versions(raw, prefix):  # the markers that these deletes made
            raw.delete(key, version=version)
        return _left(raw, prefix)
    except PortableError as error:
        return [f"what stands under {prefix} ({error})"]


def _left(raw: Raw, prefix: str) -> list[str]:
    """Return what is left: listed, kept as a version, staged, or read though it is not listed."""
    listed = _listed(raw, prefix)
    hidden = [key for key in raw.ledger.keys if key not in listed and raw.send("HEAD", key).ok]
    return [
        *(f"object {key}{'' if raw.send('HEAD', key).ok else ' (listed, and not there to be read)'}" for key in listed),
        *(f"object {key} (not listed)" for key in hidden),
        *(f"version {version} of {key}" for key, version in _versions(raw, prefix)),
        *(f"upload {upload} of {key}".replace("upload  of", "an upload of") for key, upload in _uploads(raw, prefix)),
    ]


def _deepest_first(keys: Iterable[str]) -> list[str]:
    """Order keys so that where they are paths of files, a folder comes after what is in it."""
    return sorted(keys, key=lambda key: -key.count("/"))


def _listed(raw: Raw, prefix: str) -> list[str]:
    found: list[str] = []
    after = ""
    for _ in range(_MOST_PAGES):
        page = raw.page(prefix, after=after)
        if not page.reply.ok:
            raise Unavailable(f"a listing answered {page.reply}")
        found += (key for key in page.keys if key.startswith(prefix))
        after = page.after
        if not after or not page.keys:
            break
    return found


def _versions(raw: Raw, prefix: str) -> list[tuple[str, str]]:
    _, found = raw.versions(prefix)
    return [(key, version) for key, version in found if key.startswith(prefix) and version not in ("", "null")]


def _uploads(raw: Raw, prefix: str) -> list[tuple[str, str]]:
    _, found = raw.uploads(prefix)
    return found
