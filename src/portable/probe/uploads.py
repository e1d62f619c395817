"""Uploads in parts, and what their ETags say."""

import hashlib
from typing import Final

from portable.probe.answering import BODY, OTHER, Found, Scratch, Unlearnt, either, no, refused

SMALLEST: Final = 5 << 20
"""Bytes that Amazon wants a part to have, but for the last."""
_LARGE: Final = bytes(range(256)) * (SMALLEST // 256)


def multipart(scratch: Scratch) -> Found:
    """Two parts, read back whole."""
    key, reply, data = _two_parts(scratch, (1, 2))
    return either(reply is None and scratch.body(key) == data, reply or "two parts were put together and read back")


def out_of_order(scratch: Scratch) -> Found:
    """Try the last part first, and numbers left out."""
    key, reply, data = _two_parts(scratch, (7, 3))
    return either(reply is None and scratch.body(key) == data, reply or "part 7 came before part 3, and reads back behind it")


def part_again(scratch: Scratch) -> Found:
    """One part sent twice."""
    key, upload = scratch.begun()
    scratch.part(key, upload, 1, OTHER)
    again = scratch.raw.part(key, upload, 1, BODY)
    if not again.ok:
        return no(f"a part that was sent again was answered {again}")
    reply = scratch.raw.complete(key, upload, [(1, again.headers.get("etag", ""))])
    held = scratch.body(key)
    return either(reply.ok and held == BODY, f"completing with the second of two parts with one number answered {reply}")


def small_parts(scratch: Scratch) -> Found:
    """Try a first part of a few bytes."""
    key, upload = scratch.begun()
    parts = [scratch.part(key, upload, number, BODY) for number in (1, 2)]
    reply = scratch.raw.complete(key, upload, parts)
    return either(not reply.ok, f"completing with a first part of {len(BODY)} bytes answered {reply}")


def list_parts(scratch: Scratch) -> Found:
    """Try the parts of an upload at work."""
    key, upload = scratch.begun()
    scratch.part(key, upload, 1, BODY)
    scratch.part(key, upload, 2, BODY[:100])
    reply, parts = scratch.raw.staged(key, upload)
    if not reply.ok:
        return refused(reply, f"listing parts answered {reply}")
    said = f"listing parts answered {reply}: {', '.join(f'{number} of {size} bytes' for number, size in parts.items())}"
    return either(parts == {1: len(BODY), 2: 100}, said.rstrip(": "))


def list_uploads(scratch: Scratch) -> Found:
    """Try an upload that was not completed."""
    key, upload = scratch.begun()
    scratch.part(key, upload, 1, BODY)
    reply, found = scratch.raw.uploads(scratch.prefix)
    if not reply.ok:
        return refused(reply, f"listing uploads answered {reply}")
    listed = any(each == key for each, _ in found)
    return either(listed, f"listing uploads answered {reply} {'with' if listed else 'without'} the one that was begun")


def aborted(scratch: Scratch) -> Found:
    """Try an upload that is aborted, and completed all the same."""
    key, upload = scratch.begun()
    part = scratch.part(key, upload, 1, BODY)
    reply = scratch.raw.abort(key, upload)
    late = scratch.raw.complete(key, upload, [part])
    gone = scratch.body(key) is None
    said = f"aborting answered {reply}, completing afterwards {late}"
    return either(reply.ok and gone and not late.ok, said)


def etag_is_md5(scratch: Scratch) -> Found:
    """Try the ETag of an object written in one request."""
    etag = scratch.etag(scratch.stored()).strip('"')
    return either(etag == _md5(BODY).hex(), f"the ETag is {etag}, the MD5 {_md5(BODY).hex()}")


def complete_etag(scratch: Scratch) -> Found:
    """Try the ETag that the answer to a completion tells."""
    key, upload = scratch.begun()
    reply = scratch.raw.complete(key, upload, [scratch.part(key, upload, 1, BODY)])
    if not reply.ok:
        raise Unlearnt(f"completing an upload answered {reply}")
    etag = scratch.etag(key)
    told = reply.headers.get("etag") == etag or etag.strip('"').encode() in reply.body
    return either(told, f"completing an upload answered {reply} {'with' if told else 'without'} the ETag that HEAD tells")


def multipart_etag(scratch: Scratch) -> Found:
    """MD5 of the parts' MD5s, a hyphen, and their number."""
    key, upload = scratch.begun()
    reply = scratch.raw.complete(key, upload, [scratch.part(key, upload, 1, BODY)])
    if not reply.ok:
        raise Unlearnt(f"completing an upload answered {reply}")
    etag, expected = scratch.etag(key).strip('"'), f"{_md5(_md5(BODY)).hex()}-1"
    return either(etag == expected, f"the ETag is {etag}, at Amazon {expected}")


def _two_parts(scratch: Scratch, numbers: tuple[int, int]) -> tuple[str, str | None, bytes]:
    """Upload two parts in the order of `numbers`, and put them together by them: the key, what went wrong, and the bytes."""
    key, upload = scratch.begun()
    low = min(numbers)
    data = {number: _LARGE if number == low else BODY for number in numbers}
    parts = [scratch.part(key, upload, number, data[number]) for number in numbers]
    reply = scratch.raw.complete(key, upload, sorted(parts))
    return key, None if reply.ok else f"completing two parts answered {reply}", _LARGE + BODY


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
