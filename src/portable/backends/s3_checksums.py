"""Checksums of writes: what goes with a body, what the answer must say, and what all parts together come to."""

import base64
import hashlib
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec
from msgspec import Struct

from portable.backends.extras import needed
from portable.backends.protocol import Checksum
from portable.backends.sigv4 import UNSIGNED
from portable.backends.traits import PartChecksum, PutChecksum

CRC_HEADER: Final = "x-amz-checksum-crc64nvme"
SHA_HEADER: Final = "x-amz-checksum-sha256"
_STRENGTH: Final[tuple[Checksum, ...]] = ("none", "md5", "crc32c", "crc64nvme", "sha256")


class Sum(Struct, frozen=True):
    """The checksum of one body."""

    checksum: Checksum = "none"
    payload: str = UNSIGNED
    """The value of x-amz-content-sha256."""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What else is sent with the body."""
    echo: tuple[str, str] | None = None
    """A header of the answer (in lower case) that tells a checksum of what came, and the value that it must have. Without one,
    that the host took the body is all that there is to see."""
    crc: int | None = None
    """CRC-64/NVME, where that is the checksum."""

    def confirmed(self, headers: Mapping[str, str]) -> Checksum | None:
        """Tell what the headers of the answer confirm, or return None where they say that other bytes came."""
        if self.echo is None:
            return self.checksum
        name, expected = self.echo
        told = headers.get(name)
        return "none" if told is None else self.checksum if told.strip('"') == expected else None


def sum_of(data: memoryview, kind: PartChecksum | PutChecksum, *, signed: bool) -> Sum:
    """Return the checksum that a host of this kind verifies; `signed` is whether bodies are part of the signature."""
    if kind in ("whole", "crc64nvme"):
        crc = _crc64nvme()(data)
        text = spelled(crc)
        return Sum("crc64nvme", headers={CRC_HEADER: text}, echo=(CRC_HEADER, text), crc=crc)
    if kind == "sha256":
        sha = hashlib.sha256(data)
        if signed:
            return Sum("sha256", payload=sha.hexdigest())
        text = base64.b64encode(sha.digest()).decode()
        return Sum("sha256", headers={SHA_HEADER: text}, echo=(SHA_HEADER, text))
    if kind == "md5":
        md5 = hashlib.md5(data, usedforsecurity=False)
        return Sum("md5", headers={"Content-MD5": base64.b64encode(md5.digest()).decode()}, echo=("etag", md5.hexdigest()))
    return Sum()


def spelled(crc: int) -> str:
    """Spell a CRC-64/NVME as S3 does: big-endian, in base64."""
    return b2a_base64(crc.to_bytes(8, "big"), newline=False).decode()


def read_crc(text: str | None) -> int | None:
    """Read a CRC-64/NVME as S3 spells it; None for anything else."""
    try:
        raw = base64.b64decode(text or "", validate=True)
    except ValueError:
        return None
    return int.from_bytes(raw, "big") if len(raw) == 8 else None


def whole_crc(parts: Sequence[tuple[int, int]]) -> int:
    """Return the CRC-64/NVME of the object whose parts have these CRCs and sizes (bytes), in order."""
    combine = needed("awscrt.checksums").combine_crc64nvme
    crc = 0
    for part, size in parts:
        crc = combine(crc, part, size)
    return crc


def composite_etag(etags: Sequence[str]) -> str | None:
    """Return the ETag that Amazon computes of the parts' (MD5 of the MD5s, `-`, their number); None where one is no MD5."""
    try:
        joined = b"".join(bytes.fromhex(etag.strip('"')) for etag in etags)
    except ValueError:
        return None
    digest = hashlib.md5(joined, usedforsecurity=False).hexdigest()
    return f'"{digest}-{len(etags)}"' if len(joined) == 16 * len(etags) else None


def weakest(checksums: Iterable[Checksum]) -> Checksum:
    """Return the weakest of the checksums, "none" of none."""
    return min(checksums, key=_STRENGTH.index, default="none")


@cache
def _crc64nvme() -> Callable[[memoryview], int]:
    computed: Callable[[memoryview], int] = needed("awscrt.checksums").crc64nvme
    return computed
