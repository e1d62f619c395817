"""What reads give back: the same bytes, the right part of them, and at once."""

import gzip
from typing import Final

from portable.probe.answering import BODY, Found, Scratch, either, no, yes

_TIMES: Final = 5
_EVERY_BYTE: Final = bytes(range(256)) * 16 + b"\r\n\r\n0\r\n\r\n"


def after_write(scratch: Scratch) -> Found:
    """Try reads that begin when a write has ended: of a new object, and of one that was replaced."""
    key = scratch.key()
    scratch.body(key)  # a host may remember that nothing was there
    for number in range(_TIMES):
        data = b"%d" % number
        scratch.stored(data=data)
        if scratch.body(key) != data:
            return no(f"write {number + 1} of {_TIMES} did not show in the read that began after it")
    return yes(f"{_TIMES} writes of one key showed in the reads that began after them")


def after_delete(scratch: Scratch) -> Found:
    """Try reads that begin when a delete has ended."""
    key = scratch.key()
    for number in range(_TIMES):
        scratch.stored()
        reply = scratch.raw.delete(key)
        if scratch.body(key) is not None:
            return no(f"delete {number + 1} of {_TIMES} answered {reply}, and the object was still read")
    return yes(f"{_TIMES} deletes of one key showed in the reads that began after them")


def missing_delete(scratch: Scratch) -> Found:
    """Try a delete of what is not there: Amazon takes it for done."""
    reply = scratch.raw.delete(scratch.key("none"))
    return either(reply.ok, f"DELETE of a key with nothing at it answered {reply}")


def unchanged(scratch: Scratch) -> Found:
    """Every byte, text that invites compression, and a body that is compressed already."""
    asked = {"Accept-Encoding": "gzip"}
    key = scratch.stored("bytes", _EVERY_BYTE)
    text = scratch.key("text")
    scratch.raw.put(text, BODY * 32, {"Content-Type": "text/plain"})
    packed, compressed = scratch.key("packed"), gzip.compress(BODY, mtime=0)
    scratch.raw.put(packed, compressed, {"Content-Type": "text/plain", "Content-Encoding": "gzip"})
    expected = {key: _EVERY_BYTE, text: BODY * 32, packed: compressed}
    for name, data in expected.items():
        for headers in ({}, asked):
            reply = scratch.raw.send("GET", name, headers=headers)
            if reply.body != data:
                how = "with" if headers else "without"
                what = name.removeprefix(scratch.prefix)
                return no(f"GET of {what} {how} Accept-Encoding: gzip answered {reply}, and other bytes than were written")
    return yes(f"{len(expected)} bodies came back as they were written, compression asked for or not")


def ranges(scratch: Scratch) -> Found:
    """Try a part of an object, from its middle and to its end."""
    key = scratch.stored(data=_EVERY_BYTE)
    middle = scratch.raw.send("GET", key, headers={"Range": "bytes=100-299"})
    tail = scratch.raw.send("GET", key, headers={"Range": f"bytes={len(_EVERY_BYTE) - 10}-"})
    holds = middle.status == tail.status == 206 and middle.body == _EVERY_BYTE[100:300] and tail.body == _EVERY_BYTE[-10:]
    said = f"GET with Range answered {middle} ({len(middle.body)} bytes of 200) and {tail} ({len(tail.body)} of the last 10)"
    return either(holds, said)


def suffix(scratch: Scratch) -> Found:
    """Try the last bytes, without knowing how many there are."""
    key = scratch.stored(data=_EVERY_BYTE)
    reply = scratch.raw.send("GET", key, headers={"Range": "bytes=-10"})
    return either(reply.body == _EVERY_BYTE[-10:], f"GET with Range: bytes=-10 answered {reply} ({len(reply.body)} bytes)")


def past_end(scratch: Scratch) -> Found:
    """Ranges that begin behind the end, and before it."""
    key = scratch.stored()
    beyond = scratch.raw.send("GET", key, headers={"Range": f"bytes={len(BODY)}-{len(BODY) + 9}"})
    across = scratch.raw.send("GET", key, headers={"Range": f"bytes=10-{len(BODY) + 9}"})
    holds = beyond.status == 416 and across.status == 206 and across.body == BODY[10:]
    said = f"GET with a range past the end answered {beyond}, across it {across} ({len(across.body)} of {len(BODY) - 10} bytes)"
    return either(holds, said)
