"""S3 multipart uploads."""

import threading
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from typing_extensions import Buffer

from portable.backends.parts import check_part, check_parts
from portable.backends.protocol import ANY, Attributes, Checksum, Expectation, Stat
from portable.backends.s3_checksums import Sum, composite_etag, spelled, sum_of, weakest, whole_crc
from portable.backends.s3_folders import Folders
from portable.backends.s3_rules import Rules
from portable.backends.s3_wire import S3Wire
from portable.errors import Corrupt, NotFound, Unavailable, Unsupported


@dataclass(frozen=True, slots=True)
class Place:
    """Where uploads go, and by what."""

    wire: S3Wire
    rules: Rules
    folders: Folders
    whole: str
    """The key, with the store's prefix."""
    name: str
    """The key, relative to the store."""


@dataclass(frozen=True, slots=True)
class _Part:
    etag: str
    size: int
    crc: int | None
    confirmed: Checksum


def begin(place: Place, attributes: Attributes | None) -> "S3Upload":
    """Create an upload of an object with these attributes. Raises: NotFound, Denied, Unavailable."""
    place.folders.check("begin", place.name)
    whole = place.rules.contract.parts.checksum == "whole"
    with place.folders.explained("begin", place.name):
        token = place.wire.create(place.whole, attributes, whole=whole, key=place.name)
    return S3Upload(place, token, {})


def resume(place: Place, token: str) -> "S3Upload":
    """Go on with an upload. Its parts count with the checksum that the host tells of them, if any. Raises: NotFound."""
    return S3Upload(place, token, _listed(place, token))


class S3Upload:
    """One multipart upload. A request is sent once; what an answer leaves open (pages, an ETag) takes more than one."""

    def __init__(self, place: Place, token: str, parts: Mapping[int, _Part]) -> None:
        self.token = token
        self._place, self._name, self._url = place, place.name, place.rules.url
        self._lock = threading.Lock()
        self._parts = dict(parts)
        self._ended = False

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`."""
        view = memoryview(data).cast("B")
        contract = self._place.rules.contract
        parts = contract.parts
        check_part(number, view.nbytes, part_size=parts.largest, max_parts=parts.most, key=self._name, url=self._url)
        check = sum_of(view, contract.parts.checksum, signed=contract.payload == "signed")
        with self._place.folders.explained("part", self._name):
            headers = self._sent(number, view, check)
        etag = headers.get("etag")
        if not etag:
            raise Unsupported(f"part of {self._name!r} in {self._url}: the host gives no ETag, which a commit needs")
        confirmed = check.confirmed(headers)
        if confirmed is None:
            raise Corrupt(f"part {number} of {self._name!r} in {self._url}: the host's checksum is of other bytes")
        with self._lock:
            self._parts[number] = _Part(etag, view.nbytes, check.crc, confirmed)
        return confirmed

    def staged(self) -> Mapping[int, int]:
        """Return the sizes of the parts that stand at the host, in bytes. Raises: NotFound, Denied, Unavailable."""
        return {number: part.size for number, part in _listed(self._place, self.token).items()}

    def commit(self, expect: Expectation = ANY) -> Stat:
        """Make the object visible. Raises: what `Upload.commit` raises; ConfigurationError for missing parts.

        "crc64nvme" is confirmed where the host compared that of the whole object. Otherwise it is what each part had
        confirmed, where the object's ETag is what Amazon computes of the parts' and so shows that they are these, in order.
        """
        place, name = self._place, self._name
        place.rules.check_condition("commit", name, expect)
        with self._lock:
            parts = [part for _, part in sorted(self._parts.items())]
            check_parts(sorted(self._parts), key=name, url=self._url)
        place.folders.check("commit", name)
        sums, crc = self._sums(parts)
        listed = zip([part.etag for part in parts], sums, strict=True)
        sent, etag_told = place.rules.sent(expect), place.rules.contract.parts.etag_told
        with place.folders.explained("commit", name):
            done = place.wire.complete(place.whole, self.token, listed, crc, sent, key=name, etag_told=etag_told)
        self._ended = True
        etag = done.etag if etag_told else place.wire.stat(place.whole, key=name).etag
        confirmed = self._confirmed(parts, crc, done.crc, {done.etag, etag})
        size = sum(part.size for part in parts)
        return Stat(name, size, datetime.now(UTC), etag, confirmed=confirmed)

    def abort(self) -> None:
        """Drop the parts. Does nothing after a commit, or for an upload that is gone."""
        if self._ended:
            return
        with suppress(NotFound):
            self._place.wire.abort(self._place.whole, self.token, key=self._name)
        self._ended = True

    def _sent(self, number: int, view: memoryview, check: Sum) -> Mapping[str, str]:
        """Send a part, and return the headers of the answer."""
        try:
            return self._place.wire.stage(self._place.whole, self.token, number, view, check, key=self._name)
        except Unsupported:
            # A host that takes no part twice: after a lost answer, the part that stands may be this one.
            standing = None if self._place.rules.contract.parts.again else _listed(self._place, self.token).get(number)
            if standing is None or check.confirmed({"etag": standing.etag}) in (None, "none"):
                raise
            return {"etag": standing.etag}

    def _sums(self, parts: list[_Part]) -> tuple[list[int | None], int | None]:
        """Return the CRC-64/NVME of each part, as the host is told them, and of the whole object where it compares that."""
        sums = [(part.crc, part.size) for part in parts if part.crc is not None]
        if len(sums) < len(parts):  # hosts take the checksums of all parts, or of none
            return [None] * len(parts), None
        is_compared = self._place.rules.contract.parts.checksum == "whole"
        return [crc for crc, _ in sums], whole_crc(sums) if is_compared else None

    def _confirmed(self, parts: list[_Part], crc: int | None, told: str | None, etags: Container[str | None]) -> Checksum:
        if crc is not None and told is not None:
            if spelled(crc) != told:
                raise Corrupt(f"commit {self._name!r} in {self._url}: the host's checksum of the whole object is another")
            return "crc64nvme"
        if composite_etag([part.etag for part in parts]) in etags:
            return weakest(part.confirmed for part in parts)
        return "none"


def _listed(place: Place, token: str) -> dict[int, _Part]:
    found: dict[int, _Part] = {}
    marker = 0
    while True:
        page, is_truncated = place.wire.parts(place.whole, token, marker, key=place.name)
        for number, part in page.items():
            found[number] = _Part(part.etag, part.size, part.crc, "none" if part.crc is None else "crc64nvme")
        if not is_truncated:
            return found
        # Not the host's own marker: some hosts count it from the part that follows.
        following = max(found, default=-1) + 1
        if following <= marker:
            raise Unavailable(f"resume {place.name!r} in {place.rules.url}: the list of parts would never end")
        marker = following
