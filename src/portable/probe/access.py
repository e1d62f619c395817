"""Who is let through, until when, and by which address."""

import ipaddress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from portable.errors import Unavailable
from portable.probe.answering import BODY, Found, Scratch, either, no, unknown, yes

_MOST_SKEW: Final = 60.0
"""Seconds."""


def anonymous(scratch: Scratch) -> Found:
    """Try requests without credentials: a read, a write and a listing."""
    key = scratch.stored()
    listing = "restype=container&comp=list" if scratch.raw.kind == "az" else "list-type=2&max-keys=1"
    read = scratch.raw.send("GET", key, sender="nobody")
    write = scratch.raw.send("PUT", scratch.key("by-nobody"), headers=_kind(scratch), body=BODY, sender="nobody")
    listed = scratch.raw.send("GET", "", listing, sender="nobody")
    said = f"without credentials GET answered {read}, PUT {write}, a listing {listed}"
    return either(not (read.ok or write.ok or listed.ok), said)


def wrong_secret(scratch: Scratch) -> Found:
    """Try a signature by another secret."""
    key = scratch.stored()
    read = scratch.raw.send("GET", key, sender="forger")
    write = scratch.raw.send("PUT", scratch.key("forged"), headers=_kind(scratch), body=BODY, sender="forger")
    return either(not (read.ok or write.ok), f"signed with another secret GET answered {read}, PUT {write}")


def old_signature(scratch: Scratch) -> Found:
    """Try a request that was signed an hour ago: whoever recorded it could send it again."""
    key = scratch.stored()
    reply = scratch.s3.send("GET", key, at=datetime.now(UTC) - timedelta(hours=1))
    return either(not reply.ok, f"GET with a signature an hour old answered {reply}")


def presigned(scratch: Scratch) -> Found:
    """Try a presigned URL, whole and altered."""
    key = scratch.stored()
    now = datetime.now(UTC)
    url = scratch.raw.presigned(key, start=now - timedelta(minutes=1), seconds=600)
    whole, altered = scratch.raw.fetch(url), scratch.raw.fetch(_altered(url))
    holds = whole.ok and whole.body == BODY and not altered.ok
    return either(holds, f"a presigned GET answered {whole}, with its signature altered {altered}")


def expiry(scratch: Scratch) -> Found:
    """Try a presigned URL that ended a minute ago, beside one that goes on: what closes a host to clients that are behind."""
    key = scratch.stored()
    start = datetime.now(UTC) - timedelta(minutes=3)
    over = scratch.raw.fetch(scratch.raw.presigned(key, start=start, seconds=120))
    open_ = scratch.raw.fetch(scratch.raw.presigned(key, start=start, seconds=600))
    said = f"a presigned GET answered {over} a minute after its end, {open_} before it"
    return either(not over.ok, said) if open_.ok else unknown(said)


def clock(scratch: Scratch) -> Found:
    """Try the host's Date beside this machine's clock."""
    offset = clock_offset(scratch)
    if offset is None:
        return unknown("the host's answers have no Date")
    return either(abs(offset) <= _MOST_SKEW, f"its Date is {offset:+.1f} s from this machine's clock, within a second")


def clock_offset(scratch: Scratch) -> float | None:
    """Return the host's clock less this machine's, in seconds; None where it does not tell."""
    before = datetime.now(UTC)
    told = scratch.raw.send("HEAD", scratch.key("none")).headers.get("date")
    middle = before + (datetime.now(UTC) - before) / 2
    try:
        moment = parsedate_to_datetime(told or "")
    except ValueError:
        return None
    # The header has no fractions of a second: half of one is added.
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - middle).total_seconds() + 0.5


def tls(scratch: Scratch) -> Found:
    """Try the connection that all checks are made over: TLS 1.2 is the least that it takes."""
    if not scratch.raw.endpoint.startswith("https:"):
        return no(f"{scratch.raw.endpoint} is plain HTTP")
    scratch.stored()
    bundle = scratch.raw.transport.ca_bundle
    trusted = f"the certificate is trusted by {bundle}" if bundle else "the certificate is trusted by this system"
    return yes(f"answers over TLS 1.2 or newer; {trusted}")


def plain_http(scratch: Scratch) -> Found:
    """Try the same host over plain HTTP, asked for nothing that is there."""
    if not scratch.raw.endpoint.startswith("https:"):
        return no(f"{scratch.raw.endpoint} is plain HTTP")
    if scratch.raw.kind != "s3":
        return unknown("not asked: a token would be told to whoever listens")
    key, endpoint = scratch.stored(), f"http:{scratch.raw.endpoint.removeprefix('https:')}"
    try:
        reply = scratch.s3.send("HEAD", key, endpoint=endpoint)
    except Unavailable:
        return yes(f"{endpoint} gives no answer")
    return either(not reply.ok, f"HEAD to {endpoint} answered {reply}")


def path_style(scratch: Scratch) -> Found:
    """Try the bucket as the first part of the path."""
    reply = scratch.s3.send("GET", scratch.stored(), style="path")
    return either(reply.ok and reply.body == BODY, f"GET {scratch.raw.endpoint}/BUCKET/KEY answered {reply}")


def virtual_style(scratch: Scratch) -> Found:
    """Try the bucket as the first part of the host's name."""
    parts = urlsplit(scratch.raw.endpoint)
    shape = f"{parts.scheme}://BUCKET.{parts.netloc}/KEY"
    if _is_address(parts.hostname or ""):
        return unknown(f"{scratch.raw.endpoint} is an address without a name")
    key = scratch.stored()
    try:
        reply = scratch.s3.send("GET", key, style="virtual")
    except Unavailable as error:
        return no(f"GET {shape} had no answer ({str(error).rpartition(': ')[2]})")
    return either(reply.ok and reply.body == BODY, f"GET {shape} answered {reply}")


def _kind(scratch: Scratch) -> dict[str, str]:
    return {"x-ms-blob-type": "BlockBlob"} if scratch.raw.kind == "az" else {}


def _altered(url: str) -> str:
    """Return a presigned URL with another first character in its signature."""
    head, name, signature = url.partition("X-Amz-Signature=") if "X-Amz-Signature=" in url else url.partition("sig=")
    return f"{head}{name}{'0' if signature[0] != '0' else '1'}{signature[1:]}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
