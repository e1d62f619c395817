"""Conditions: honoured means refused when they fail and nothing changed, and accepted when they hold."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from portable.backends.raw import Reply
from portable.probe.answering import BODY, OTHER, Found, Scratch, Unlearnt, either, no, unknown, yes

ABSENT: Final = {"If-None-Match": "*"}
_REFUSALS: Final = (409, 412)
_STALE: Final = '"00000000000000000000000000000000"'
WRITERS: Final = 5
_ROUNDS: Final = 3


def create(scratch: Scratch) -> Found:
    """If-None-Match: * on a write."""
    new = scratch.raw.put(scratch.key("new"), BODY, ABSENT)
    key = scratch.stored("there")
    over = scratch.raw.put(key, OTHER, ABSENT)
    kept = scratch.body(key) == BODY
    said = f"PUT with If-None-Match: * answered {over} where an object stood, and {new} where none did"
    return _judged(new, over, kept=kept, said=said)


def replace(scratch: Scratch) -> Found:
    """If-Match on a write."""
    key = scratch.stored()
    old = scratch.etag(key)
    held, how = _matching(lambda etag: scratch.raw.put(key, OTHER, {"If-Match": etag}), old)
    late = scratch.raw.put(key, BODY, {"If-Match": how(old)})
    kept = scratch.body(key) == (OTHER if held.ok else BODY)
    absent = scratch.raw.put(scratch.key("absent"), BODY, {"If-Match": how(old)})
    said = f"PUT with If-Match answered {late} for another version, {held} for the right one{_spelled(how)}"
    if absent.ok:
        return no(f"{said}; {absent} where nothing stood")
    return _judged(held, late, kept=kept, said=f"{said}, {absent} where nothing stood")


def quoted(scratch: Scratch) -> Found:
    """Try the ETag as HTTP spells it, and bare."""
    key = scratch.stored()
    etag = scratch.etag(key)
    told = scratch.raw.put(key, BODY, {"If-Match": etag})
    bare = scratch.raw.put(key, BODY, {"If-Match": scratch.etag(key).strip('"')})
    said = f"PUT with If-Match and the right ETag answered {told} as it was told, {bare} without quotation marks"
    return either(told.ok, said) if told.ok or bare.ok else unknown(said)


def complete(scratch: Scratch) -> Found:
    """Both conditions when an upload is completed."""
    taken, key = scratch.stored("there"), scratch.key("new")
    over = _completed(scratch, "there", ABSENT)
    kept = scratch.body(taken) == BODY
    new = _completed(scratch, "new", ABSENT)
    said = f"completing with If-None-Match: * answered {over} where an object stood, {new} where none did"
    created = _judged(new, over, kept=kept, said=said)
    if created.answer != "yes":
        return created
    late = _completed(scratch, "new", {"If-Match": _STALE}, OTHER)
    untouched = scratch.body(key) == BODY
    held, how = _matching(lambda etag: _completed(scratch, "new", {"If-Match": etag}, OTHER), scratch.etag(key))
    said += f"; with If-Match {late} for another version, {held} for the right one{_spelled(how)}"
    return _judged(held, late, kept=untouched, said=said)


def complete_race(scratch: Scratch) -> Found:
    """Several writers complete uploads of one key at once, each on condition that nothing stands there, in some rounds."""
    first = _completed(scratch, "alone", ABSENT)
    if not first.ok:
        return no(f"completing with If-None-Match: * where nothing stood answered {first}")
    second = _completed(scratch, "alone", ABSENT, OTHER)
    if second.ok:
        return no(f"one writer after another created a key: the second that completed with If-None-Match: * got {second}")
    return _raced([_completions(scratch, f"round-{number}") for number in range(_ROUNDS)], "completed an upload at once")


def delete(scratch: Scratch) -> Found:
    """If-Match on a delete."""
    key = scratch.stored()
    late = scratch.raw.delete(key, {"If-Match": _STALE})
    kept = scratch.body(key) == BODY
    if not kept:
        return no(f"DELETE with If-Match of another version answered {late}, and the object is gone")
    held, how = _matching(lambda etag: scratch.raw.delete(key, {"If-Match": etag}), scratch.etag(key))
    said = f"DELETE with If-Match answered {late} for another version, {held} for the right one{_spelled(how)}"
    gone = scratch.body(key) is None
    return _judged(held, late, kept=kept, said=said) if gone else no(f"{said}; the object is still there")


def read(scratch: Scratch) -> Found:
    """If-Match and If-None-Match on a read."""
    key = scratch.stored()
    etag = scratch.etag(key)
    late = scratch.raw.send("GET", key, headers={"If-Match": _STALE})
    held = scratch.raw.send("GET", key, headers={"If-Match": etag})
    same = scratch.raw.send("GET", key, headers={"If-None-Match": etag})
    said = f"GET with If-Match answered {late} for another version, {held} for the right one; with If-None-Match of it {same}"
    return either(late.status == 412 and held.ok and same.status == 304, said)


def create_race(scratch: Scratch) -> Found:
    """Several writers create one key at once, in some rounds."""
    first = scratch.raw.put(scratch.key("alone"), BODY, ABSENT)
    if not first.ok:
        return no(f"PUT with If-None-Match: * of a new key answered {first}")
    second = scratch.raw.put(scratch.key("alone"), OTHER, ABSENT)
    if second.ok:
        return no(f"one writer after another created a key: the second PUT with If-None-Match: * answered {second}")
    rounds = [_race(scratch, f"round-{number}", ABSENT) for number in range(_ROUNDS)]
    return _raced(rounds, "created a key at once")


def replace_race(scratch: Scratch) -> Found:
    """Several writers replace one version at once, in some rounds."""
    alone = scratch.stored("alone")
    version = scratch.etag(alone)
    first, how = _matching(lambda etag: scratch.raw.put(alone, OTHER, {"If-Match": etag}), version)
    if not first.ok:
        return no(f"PUT with If-Match of the right version answered {first}")
    second = scratch.raw.put(alone, BODY, {"If-Match": how(version)})
    if second.ok:
        return no(f"one writer after another replaced a version: the second PUT with its If-Match answered {second}")
    rounds = []
    for number in range(_ROUNDS):
        etag = how(scratch.etag(scratch.stored(f"round-{number}")))
        rounds.append(_race(scratch, f"round-{number}", {"If-Match": etag}))
    return _raced(rounds, "replaced a version at once")


def _race(scratch: Scratch, name: str, condition: dict[str, str]) -> list[Reply]:
    return _at_once(lambda number: scratch.raw.put(scratch.key(name), str(number).encode(), condition))


def _completions(scratch: Scratch, name: str) -> list[Reply]:
    begun = [scratch.begun(name) for _ in range(WRITERS)]
    parts = [scratch.part(key, upload, 1, str(number).encode()) for number, (key, upload) in enumerate(begun)]
    return _at_once(lambda number: scratch.raw.complete(*begun[number], [parts[number]], ABSENT))


def _at_once(write: Callable[[int], Reply]) -> list[Reply]:
    gate = threading.Barrier(WRITERS)

    def wait_and_write(number: int) -> Reply:
        gate.wait()
        return write(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(wait_and_write, range(WRITERS)))


def _raced(rounds: list[list[Reply]], what: str) -> Found:
    winners = [sum(reply.ok for reply in replies) for replies in rounds]
    losers = sorted({str(reply) for replies in rounds for reply in replies if not reply.ok})
    said = f"{WRITERS} writers {what}, {_ROUNDS} times: {min(winners)} to {max(winners)} won; the others were answered "
    said += ", ".join(losers) or "nothing else"
    if max(winners) > 1:
        return no(said)
    if min(winners) < 1:
        return unknown(f"{said}: in some round nobody won")
    return yes(said)


class _How:
    """How an ETag is spelled in If-Match: as the host tells it, or without its quotation marks."""

    def __init__(self, *, quoted: bool) -> None:
        self.quoted = quoted

    def __call__(self, etag: str) -> str:
        return etag if self.quoted else etag.strip('"')


def _matching(send: Callable[[str], Reply], etag: str) -> tuple[Reply, _How]:
    """Send with the right ETag as HTTP spells it, and where that is refused, without its quotation marks."""
    quoted = send(etag)
    if quoted.ok or quoted.status not in _REFUSALS:
        return quoted, _How(quoted=True)
    bare = send(etag.strip('"'))
    return (bare, _How(quoted=False)) if bare.ok else (quoted, _How(quoted=True))


def _spelled(how: _How) -> str:
    return "" if how.quoted else " (its ETag without quotation marks)"


def _judged(held: Reply, failed: Reply, *, kept: bool, said: str) -> Found:
    if failed.ok or not kept:
        return no(f"{said}: the condition was ignored" if failed.ok else f"{said}: and the object changed all the same")
    if failed.status not in _REFUSALS:
        return no(f"{said}: a condition is not understood")
    return yes(said) if held.ok else no(f"{said}: also what holds is refused")


def _completed(scratch: Scratch, name: str, condition: dict[str, str], data: bytes = BODY) -> Reply:
    key, upload = scratch.begun(name)
    part = scratch.part(key, upload, 1, data)
    reply = scratch.raw.complete(key, upload, [part], condition)
    if reply.status == 404 and reply.code in ("NoSuchUpload", "InvalidPart"):
        raise Unlearnt(f"completing an upload answered {reply}")
    return reply
