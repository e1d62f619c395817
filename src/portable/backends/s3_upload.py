"""S3 multipart uploads: boto3 creates, lists, completes and aborts; parts go out as signed requests."""

import threading
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from typing_extensions import Buffer

from portable.backends import boto3_edge
from portable.backends.parts import check_part, check_parts
from portable.backends.protocol import ABSENT, ANY, Attributes, Checksum, Expectation, Matches, Stat
from portable.backends.s3_checksums import Sum, composite_etag, read_crc, spelled, sum_of, weakest, whole_crc
from portable.backends.s3_folders import Folders
from portable.backends.s3_rules import Rules
from portable.backends.s3_wire import S3Wire
from portable.errors import Corrupt, NotFound, Unavailable, Unsupported


@dataclass(frozen=True, slots=True)
class Place:
    """Where uploads go, and by what."""

    client: Any
    """boto3's."""
    wire: S3Wire
    rules: Rules
    folders: Folders
    target: Mapping[str, str]
    """Bucket and Key."""
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
    checksum = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"} if whole else {}
    with place.folders.explained("begin", place.name), boto3_edge.errors("begin", place.name, place.rules.url):
        answer = place.client.create_multipart_upload(
            **place.target, **boto3_edge.spelled(attributes), **checksum, **_in_class(place.rules.storage_class)
        )
    return S3Upload(place, str(answer["UploadId"]), {})


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
        self._place.rules.check_condition("commit", self._name, expect)
        with self._lock:
            parts = [part for _, part in sorted(self._parts.items())]
            check_parts(sorted(self._parts), key=self._name, url=self._url)
        self._place.folders.check("commit", self._name)
        parameters = self._completion(parts) | self._condition(expect)
        explained = self._place.folders.explained("commit", self._name)
        with explained, boto3_edge.errors("commit", self._name, self._url, expect):
            done = self._place.client.complete_multipart_upload(**self._place.target, UploadId=self.token, **parameters)
        self._ended = True
        etag = told = str(done.get("ETag", ""))
        if not self._place.rules.contract.parts.etag_told:
            etag = self._place.wire.stat(self._place.target["Key"], key=self._name).etag
        confirmed = self._confirmed(parts, parameters, done, {told, etag})
        size = sum(part.size for part in parts)
        return Stat(self._name, size, datetime.now(UTC), etag, confirmed=confirmed)

    def abort(self) -> None:
        """Drop the parts. Does nothing after a commit, or for an upload that is gone."""
        if self._ended:
            return
        try:
            with boto3_edge.errors("abort", self._name, self._url):
                self._place.client.abort_multipart_upload(**self._place.target, UploadId=self.token)
        except NotFound:
            pass
        self._ended = True

    def _sent(self, number: int, view: memoryview, check: Sum) -> Mapping[str, str]:
        """Send a part, and return the headers of the answer."""
        name = self._place.target["Key"]
        try:
            return self._place.wire.stage(name, self.token, number, view, check, key=self._name)
        except Unsupported:
            # A host that takes no part twice: after a lost answer, the part that stands may be this one.
            standing = None if self._place.rules.contract.parts.again else _listed(self._place, self.token).get(number)
            if standing is None or check.confirmed({"etag": standing.etag}) in (None, "none"):
                raise
            return {"etag": standing.etag}

    def _completion(self, parts: list[_Part]) -> dict[str, Any]:
        listed: list[dict[str, Any]] = [{"PartNumber": number, "ETag": part.etag} for number, part in enumerate(parts, 1)]
        sums = [(part.crc, part.size) for part in parts if part.crc is not None]
        if len(sums) < len(parts):  # hosts take the checksums of all parts, or of none
            return {"MultipartUpload": {"Parts": listed}}
        for entry, (crc, _) in zip(listed, sums, strict=True):
            entry["ChecksumCRC64NVME"] = spelled(crc)
        whole: dict[str, Any] = {}
        if self._place.rules.contract.parts.checksum == "whole":
            whole = {"ChecksumCRC64NVME": spelled(whole_crc(sums)), "ChecksumType": "FULL_OBJECT"}
        return {"MultipartUpload": {"Parts": listed}, **whole}

    def _condition(self, expect: Expectation) -> dict[str, str]:
        sent = self._place.rules.sent(expect)
        if isinstance(sent, Matches):
            return {"IfMatch": sent.etag}
        return {"IfNoneMatch": "*"} if expect == ABSENT else {}

    def _confirmed(
        self, parts: list[_Part], sent: Mapping[str, Any], done: Mapping[str, Any], etags: Container[str | None]
    ) -> Checksum:
        whole, told = sent.get("ChecksumCRC64NVME"), done.get("ChecksumCRC64NVME")
        if whole is not None and told is not None:
            if whole != told:
                raise Corrupt(f"commit {self._name!r} in {self._url}: the host's checksum of the whole object is another")
            return "crc64nvme"
        if composite_etag([part.etag for part in parts]) in etags:
            return weakest(part.confirmed for part in parts)
        return "none"


def _in_class(storage_class: str | None) -> dict[str, str]:
    return {} if storage_class is None else {"StorageClass": storage_class}


def _listed(place: Place, token: str) -> dict[int, _Part]:
    found: dict[int, _Part] = {}
    marker = 0
    while True:
        with boto3_edge.errors("resume", place.name, place.rules.url):
            page = place.client.list_parts(**place.target, UploadId=token, PartNumberMarker=marker)
        for entry in page.get("Parts", []):
            crc = read_crc(entry.get("ChecksumCRC64NVME"))
            confirmed: Checksum = "none" if crc is None else "crc64nvme"
            found[int(entry["PartNumber"]) - 1] = _Part(str(entry["ETag"]), int(entry["Size"]), crc, confirmed)
        if not page.get("IsTruncated"):
            return found
        # Not the host's own marker: some hosts count it from the part that follows.
        following = max(found, default=-1) + 1
        if following <= marker:
            raise Unavailable(f"resume {place.name!r} in {place.rules.url}: the list of parts would never end")
        marker = following
