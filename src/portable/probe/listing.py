"""Listings: every key once, in which order, and when."""

from collections.abc import Callable
from functools import partial
from typing import Final

from portable.backends.raw import Page
from portable.probe.answering import Found, Scratch, Unlearnt, either, no, yes

_NAMES: Final = ("a-", "a/1", "a/2/x", "a0", "aB", "ab", "b c", "é", "\uff5e", "\N{GRINNING FACE}")
"""Keys that other orders than that of UTF-8 bytes put elsewhere: by folders, without case, by UTF-16."""
_MARK: Final = b"<EncodingType>url</EncodingType>"
_AT_ONCE: Final = 4
_MOST_PAGES: Final = 12


def version_1(scratch: Scratch) -> Found:
    """ListObjects."""
    return _complete(scratch, partial(scratch.s3.page, version=1), "ListObjects")


def version_2(scratch: Scratch) -> Found:
    """ListObjectsV2."""
    return _complete(scratch, scratch.s3.page, "ListObjectsV2")


def pages(scratch: Scratch) -> Found:
    """Whatever the host lists by."""
    return _complete(scratch, scratch.raw.page, "a listing")


def url_encoded(scratch: Scratch) -> Found:
    """`encoding-type=url`, which lets a listing name what XML cannot."""
    found = _complete(scratch, partial(scratch.s3.page, encoded=True), "a listing with encoding-type=url")
    if found.answer == "yes" and _MARK not in scratch.s3.page(scratch.prefix, encoded=True).reply.body:
        return no("encoding-type=url is ignored: keys come as they are")
    return found


def order(scratch: Scratch) -> Found:
    """Try the order of keys across pages."""
    written = _written(scratch)
    listed, _ = _walked(scratch, scratch.raw.page)
    known = {
        "UTF-8 bytes": sorted(written, key=str.encode),
        "UTF-16 units": sorted(written, key=lambda key: key.encode("utf-16-be")),
        "segments between slashes": sorted(written, key=lambda key: [part.encode() for part in key.split("/")]),
    }
    name = next((name for name, keys in known.items() if keys == listed), "none that is known")
    if sorted(listed) != sorted(written):
        raise Unlearnt(f"{len(set(listed) & set(written))} of {len(written)} keys are listed")
    return either(name == "UTF-8 bytes", f"the order of {len(written)} keys is that of {name}")


def after_write(scratch: Scratch) -> Found:
    """Try listings that begin when a write or a delete has ended."""
    times = 5
    for number in range(times):
        key = scratch.stored(f"new-{number}")
        if key not in scratch.raw.page(scratch.prefix).keys:
            return no(f"of {times} keys the one written {number + 1}. was not in the listing that began after it")
    for number in range(times):
        scratch.raw.delete(scratch.key(f"new-{number}"))
        if scratch.key(f"new-{number}") in scratch.raw.page(scratch.prefix).keys:
            return no(f"of {times} keys the one deleted {number + 1}. was in the listing that began after it")
    return yes(f"{times} writes and {times} deletes showed in the listings that began after them")


def _written(scratch: Scratch) -> list[str]:
    return [scratch.stored(name) for name in _NAMES]


def _walked(scratch: Scratch, page: Callable[..., Page]) -> tuple[list[str], int]:
    """List page after page: the keys as they came, and the number of pages. Raises: Unlearnt (refused, or no end)."""
    found: list[str] = []
    after = ""
    for number in range(1, _MOST_PAGES + 1):
        one = page(scratch.prefix, most=_AT_ONCE, after=after)
        if not one.reply.ok:
            raise _Refused(f"answered {one.reply}")
        found += one.keys
        after = one.after
        if not after:
            return found, number
    raise _Refused(f"of {len(_NAMES)} keys, {_AT_ONCE} at a time, did not end after {_MOST_PAGES} pages")


class _Refused(Unlearnt):
    """A listing did not come to its end."""


def _complete(scratch: Scratch, page: Callable[..., Page], what: str) -> Found:
    written = _written(scratch)
    try:
        listed, count = _walked(scratch, page)
    except _Refused as refused:
        return no(f"{what} {refused}")
    if len(listed) != len(set(listed)):
        return no(f"{what} names {len(listed) - len(set(listed))} keys more than once")
    if set(listed) != set(written):
        return no(f"{what} names {len(set(listed) & set(written))} of {len(written)} keys unchanged")
    return yes(f"{what} names {len(written)} keys in {count} pages, each once")
