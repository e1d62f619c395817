"""What a host keeps beside the bytes of an object: headers, metadata, tags; and keys of the customer's for encryption."""

import secrets
from base64 import b64encode
from hashlib import sha256
from typing import Final

from portable.backends.raw import Reply
from portable.backends.raw_s3 import content_md5
from portable.probe.answering import BODY, Found, Scratch, Unlearnt, either, no, refused, unknown, yes

_METADATA: Final = {"plain": "a b", "commas": "a, b;c=d", "encoded": "=?UTF-8?B?w6k=?="}
_LONG: Final = 1900
"""Bytes: Amazon takes 2 KB of metadata, names and all."""
_HEADERS: Final = {
    "Content-Type": "application/x-probe",
    "Content-Encoding": "zz",
    "Content-Language": "fr",
    "Content-Disposition": 'attachment; filename="a b.txt"',
    "Cache-Control": "no-store, max-age=0",
}
_TAG_SET: Final = b"<TagSet><Tag><Key>colour</Key><Value>blue</Value></Tag></TagSet>"
_TAGS: Final = b"<Tagging>%b</Tagging>" % _TAG_SET
_AZURE_TAGS: Final = b'<?xml version="1.0" encoding="utf-8"?><Tags>%b</Tags>' % _TAG_SET


def metadata(scratch: Scratch) -> Found:
    """Values in ASCII, which is all that HTTP promises."""
    headers = {scratch.raw.metadata_header(name): value for name, value in _METADATA.items()}
    return _kept(scratch, headers, headers)


def long_metadata(scratch: Scratch) -> Found:
    """Try one value nearly as long as Amazon takes it."""
    headers = {scratch.raw.metadata_header("long"): "x" * _LONG}
    return _kept(scratch, headers, headers)


def underscores(scratch: Scratch) -> Found:
    """Try a name with an underscore, which some servers between take for a hyphen, or for an attack."""
    headers = {scratch.raw.metadata_header("a_b"): "value"}
    return _kept(scratch, headers, headers)


def headers(scratch: Scratch) -> Found:
    """Try the headers that say how a body is to be read."""
    sent = {f"x-ms-blob-{name.lower()}": value for name, value in _HEADERS.items()} if scratch.raw.kind == "az" else _HEADERS
    return _kept(scratch, sent, _HEADERS)


def tagging(scratch: Scratch) -> Found:
    """Tags set after the write; some hosts take them for the object's new body."""
    key = scratch.stored()
    if scratch.raw.kind == "az":
        query, tags = "comp=tags", _AZURE_TAGS
    else:
        query, tags = "tagging=", _TAGS
    reply = scratch.raw.send("PUT", key, query, {"Content-MD5": content_md5(tags), "Content-Type": "application/xml"}, tags)
    if scratch.body(key) != BODY:
        return no(f"PUT of tags answered {reply}, and destroyed the object's body")
    if not reply.ok:
        return refused(reply, f"PUT of tags answered {reply}")
    told = scratch.raw.send("GET", key, query)
    held = b"<Key>colour</Key>" in told.body and b"<Value>blue</Value>" in told.body
    return either(held, f"PUT of tags answered {reply}, GET {told} {'with' if held else 'without'} them")


def customer_keys(scratch: Scratch) -> Found:
    """Try a key that comes with the request, and is needed for every read."""
    key, right, wrong = scratch.key(), _customer_key(scratch), _customer_key(scratch)
    written = scratch.raw.put(key, BODY, right)
    if not written.ok:
        if scratch.raw.endpoint.startswith("http:") and written.status == 400:
            return unknown(f"PUT with a key over plain HTTP answered {written}")
        return refused(written, f"PUT with a key answered {written}")
    with_it, without = scratch.raw.send("GET", key, headers=right), scratch.raw.send("GET", key)
    other = scratch.raw.send("GET", key, headers=wrong)
    said = f"an object written with a key answered GET {with_it} with it, {other} with another, {without} without"
    if not with_it.ok or with_it.body != BODY:
        return no(said)
    return either(not without.ok and not other.ok, said)


def _customer_key(scratch: Scratch) -> dict[str, str]:
    key = secrets.token_bytes(32)
    if scratch.raw.kind == "az":
        values = {"": b64encode(key).decode(), "-sha256": b64encode(sha256(key).digest()).decode()}
        return {f"x-ms-encryption-key{name}": value for name, value in values.items()} | {"x-ms-encryption-algorithm": "AES256"}
    start = "x-amz-server-side-encryption-customer"
    return {
        f"{start}-algorithm": "AES256",
        f"{start}-key": b64encode(key).decode(),
        f"{start}-key-MD5": content_md5(key),
    }


def _kept(scratch: Scratch, sent: dict[str, str], expected: dict[str, str]) -> Found:
    key = scratch.key()
    reply = scratch.raw.put(key, BODY, sent)
    if not reply.ok:
        return no(f"PUT with {', '.join(sent)} answered {reply}")
    told = _told(scratch.raw.send("HEAD", key))
    lost = [name for name, value in expected.items() if told.headers.get(name) != value]
    if lost:
        return no(f"HEAD did not tell as it was written: {', '.join(lost)}")
    return yes(f"HEAD told {', '.join(expected)} as they were written")


def _told(reply: Reply) -> Reply:
    if not reply.ok:
        raise Unlearnt(f"HEAD answered {reply}")
    return reply
