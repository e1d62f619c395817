"""Checksums: one that fits is taken, and one that does not is refused and nothing stored."""

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

from portable.backends.azure_requests import CRC64, checksum
from portable.backends.extras import needed
from portable.backends.raw import Reply
from portable.backends.raw_s3 import content_md5
from portable.backends.sigv4 import UNSIGNED
from portable.probe.answering import BODY, OTHER, Check, Found, Scratch, either, no, unknown, yes

_SUMS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "crc32c": lambda data: int(needed("awscrt.checksums").crc32c(data)).to_bytes(4, "big"),
    "crc64nvme": lambda data: int(needed("awscrt.checksums").crc64nvme(data)).to_bytes(8, "big"),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}
_TRAILED: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def of_object(algorithm: str) -> Check:
    """Return the check of a checksum in a header of the write."""

    def check(scratch: Scratch) -> Found:
        fits = scratch.raw.put(scratch.key("fits"), BODY, _header(scratch, algorithm, BODY))
        wrong = scratch.raw.put(scratch.key("wrong"), BODY, _header(scratch, algorithm, OTHER))
        return _judged(scratch, fits, wrong, f"PUT with {_named(scratch, algorithm)}")

    return check


def signed_payload(scratch: Scratch) -> Found:
    """Try the SHA-256 that is part of the signature."""
    fits = scratch.s3.send("PUT", scratch.key("fits"), body=BODY)
    wrong = scratch.s3.send("PUT", scratch.key("wrong"), body=BODY, payload=hashlib.sha256(OTHER).hexdigest())
    return _judged(scratch, fits, wrong, "PUT with x-amz-content-sha256")


def unsigned_payload(scratch: Scratch) -> Found:
    """Try a signature that leaves the body out."""
    key = scratch.key()
    reply = scratch.s3.send("PUT", key, body=BODY, payload=UNSIGNED)
    return either(reply.ok and scratch.body(key) == BODY, f"PUT with {UNSIGNED} answered {reply}")


def of_part(algorithm: str) -> Check:
    """Return the check of a checksum in a header of a part."""

    def check(scratch: Scratch) -> Found:
        key, upload = scratch.begun()
        fits = scratch.raw.part(key, upload, 1, BODY, _header(scratch, algorithm, BODY))
        wrong = scratch.raw.part(key, upload, 2, BODY, _header(scratch, algorithm, OTHER))
        said = f"a part with {_named(scratch, algorithm)} was answered {fits} where it fits, {wrong} where it does not"
        return either(fits.ok and not wrong.ok, said)

    return check


def part_signed_payload(scratch: Scratch) -> Found:
    """Try the SHA-256 that is part of the signature of a part."""
    key, upload = scratch.begun()
    wrong = scratch.s3.part(key, upload, 1, BODY, payload=hashlib.sha256(OTHER).hexdigest())
    return either(not wrong.ok, f"a part that is not the one that was signed was answered {wrong}")


def trailing(scratch: Scratch) -> Found:
    """Try a checksum behind the body, as the SDKs send it by default."""
    key, reply = _trailed(scratch, "fits", BODY)
    held = scratch.body(key)
    said = f"PUT with a CRC32 in its trailer answered {reply}"
    if reply.ok and held != BODY:
        return no(f"{said} and stored other bytes than were sent")
    return either(reply.ok, said)


def trailing_verified(scratch: Scratch) -> Found:
    """Try a trailer that does not fit."""
    _, fits = _trailed(scratch, "fits", BODY)
    key, wrong = _trailed(scratch, "wrong", OTHER)
    said = f"PUT with a CRC32 in its trailer answered {fits} where it fits, {wrong} where it does not"
    if not fits.ok:
        return no(f"{said}: trailers are not taken")
    return either(not wrong.ok and scratch.body(key) is None, said)


def _trailed(scratch: Scratch, name: str, summed: bytes) -> tuple[str, Reply]:
    """Write BODY with the checksum of `summed` in its trailer (Amazon S3 API Reference, "Trailing checksums")."""
    key, header = scratch.key(name), "x-amz-checksum-crc32"
    digest = _encoded("crc32", summed)
    body = b"%x\r\n%b\r\n0\r\n%b:%b\r\n\r\n" % (len(BODY), BODY, header.encode(), digest.encode())
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(BODY)), "x-amz-trailer": header}
    return key, scratch.s3.send("PUT", key, headers=headers, body=body, payload=_TRAILED)


def _judged(scratch: Scratch, fits: Reply, wrong: Reply, what: str) -> Found:
    said = f"{what} answered {fits} where it fits, {wrong} where it does not"
    if not fits.ok:
        return no(said) if fits.status < 500 or fits.status == 501 else unknown(said)
    if wrong.ok:
        return no(f"{said}: it is ignored")
    if scratch.body(scratch.key("wrong")) is not None:
        return no(f"{said}, and stored the object all the same")
    return yes(said)


def _header(scratch: Scratch, algorithm: str, data: bytes) -> dict[str, str]:
    if algorithm == "md5":
        return {"Content-MD5": content_md5(data)}
    if scratch.raw.kind == "az":
        return {CRC64: checksum(data)}
    return {f"x-amz-checksum-{algorithm}": _encoded(algorithm, data)}


def _named(scratch: Scratch, algorithm: str) -> str:
    if algorithm == "md5":
        return "Content-MD5"
    return CRC64 if scratch.raw.kind == "az" else f"x-amz-checksum-{algorithm}"


def _encoded(algorithm: str, data: bytes) -> str:
    return b64encode(_SUMS[algorithm](data)).decode()
