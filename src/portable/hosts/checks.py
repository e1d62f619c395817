"""What a probe of a host can answer, and which field of a profile each answer stands beside. Pure.

A check is a question with the answers yes, no and unknown. Where a profile has a field for the same question, the field decides
as long as nobody has probed, and the two are compared once somebody has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Check:
    """One question that a probe asks a host."""

    name: str
    words: str
    field: str | None = None
    """The path of the profile's field that answers the same question."""
    member: str | None = None
    """Where the field holds several texts: the one that is asked for."""


def _checksum(algorithm: str) -> Check:
    return Check(f"checksum-{algorithm.lower()}", f"verifies {algorithm} on arrival", "features.checksums", algorithm)


def _addressing(style: str) -> Check:
    return Check(f"{style}-addressing", f"answers {style}-style addresses", "endpoint.addressing", style)


_CHECKS: Final = (
    Check("anonymous-refused", "refuses requests without credentials"),
    Check("wrong-secret-refused", "refuses requests that are signed with another secret"),
    Check("old-signature-refused", "refuses a request that was signed an hour ago"),
    Check("presigned", "lets a presigned URL through, and refuses an altered one"),
    Check("presigned-expiry", "refuses a presigned URL once it has expired"),
    Check("clock", "has a clock within a minute of this machine's"),
    Check("tls-1.2", "answers over TLS 1.2 or newer, with a certificate that the system trusts"),
    Check("plain-http-refused", "refuses requests over plain HTTP"),
    *(_addressing(style) for style in ("path", "virtual")),
    Check("conditional-create", "refuses a write with If-None-Match: * where an object stands", "features.conditional_create"),
    Check("conditional-create-race", "lets exactly one of several writers create a key at once"),
    Check("conditional-replace", "refuses a write with If-Match over another version", "features.conditional_replace"),
    Check("conditional-replace-race", "lets exactly one of several writers replace a version at once"),
    Check("quoted-etags", "takes an ETag in If-Match as it tells it, in quotation marks"),
    Check("conditional-complete", "refuses to complete an upload whose condition fails", "features.conditional_complete"),
    Check("conditional-complete-race", "lets exactly one of several writers create a key by completing an upload at once"),
    Check("conditional-delete", "refuses a delete with If-Match of another version", "features.conditional_delete"),
    Check("conditional-reads", "refuses a read with If-Match of another version"),
    Check("signed-payload", "refuses a body that does not have the SHA-256 that was signed"),
    Check("unsigned-payload", "accepts unsigned payloads", "quirks.unsigned_payload"),
    Check("content-md5", "refuses a body that does not fit its Content-MD5"),
    *(_checksum(algorithm) for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")),
    Check("part-signed-payload", "refuses a part that does not have the SHA-256 that was signed"),
    Check("part-content-md5", "refuses a part that does not fit its Content-MD5"),
    Check("part-checksum-crc64nvme", "refuses a part that does not fit its CRC64NVME"),
    Check("part-checksum-sha256", "refuses a part that does not fit its SHA256"),
    Check("trailing-checksums", "accepts checksums in trailers", "quirks.trailing_checksums"),
    Check("trailing-checksums-verified", "refuses a body that does not fit the checksum in its trailer"),
    Check("multipart", "stores an object that was uploaded in parts"),
    Check("parts-out-of-order", "puts parts together by their numbers, in whatever order they came"),
    Check("part-again", "takes a part that is sent again in place of the first"),
    Check("small-parts-refused", "refuses to complete an upload with a part, but for the last, under 5 MiB"),
    Check("list-parts", "lists the parts of an upload that was not completed"),
    Check("list-uploads", "lists uploads that were never completed"),
    Check("aborted-uploads", "forgets the parts of an upload that was aborted"),
    Check("etag-is-md5", "gives the MD5 as ETag of an object written in one request", "quirks.etag_is_md5"),
    Check("complete-etag", "tells the ETag of an object when its upload is completed"),
    Check("multipart-etag", "gives multipart objects the ETag that Amazon gives them", "quirks.multipart_etag_reliable"),
    Check("list-v1", "lists with ListObjects, page after page, each key once"),
    Check("list-v2", "lists with ListObjectsV2", "features.list_v2"),
    Check("list-url-encode", "lists URL-encoded, page after page", "quirks.list_url_encode"),
    Check("listing-pages", "lists each key once, page after page"),
    Check("listing-order", "lists keys in the order of their UTF-8 bytes"),
    Check("read-after-write", "shows a write to every read that begins after it"),
    Check("list-after-write", "shows a write to every listing that begins after it"),
    Check("read-after-delete", "shows a delete to every read that begins after it"),
    Check("missing-delete", "takes a delete of a key with nothing at it for done"),
    Check("bytes-unchanged", "returns every byte as it was written, compression asked for or not"),
    Check("ranged-reads", "answers a range with exactly that range"),
    Check("suffix-ranges", "answers a request for the last bytes with exactly those"),
    Check("range-past-end", "refuses a range past the end, and cuts one that begins before it"),
    Check("metadata", "returns user metadata as it was written"),
    Check("long-metadata", "keeps 2 KB of user metadata"),
    Check("metadata-underscores", "keeps `_` in the names of user metadata"),
    Check("headers", "returns Content-Type, -Encoding, -Language, -Disposition and Cache-Control as they were written"),
    Check("tagging", "keeps tags on objects", "features.tagging"),
    Check("versioning", "keeps earlier versions", "features.versioning"),
    Check("object-lock", "keeps locked objects from being deleted", "features.object_lock"),
    Check("customer-keys", "encrypts with keys that come with the request", "features.customer_keys"),
    Check("long-keys", "stores keys of 1,024 bytes"),
    Check("long-segments", "stores keys with more than 255 bytes between two slashes"),
    Check("unicode-keys", "stores keys that are not ASCII, and lists them unchanged"),
    Check("awkward-keys", "stores keys with `//`, `..`, spaces and plus signs unchanged"),
    Check("slash-keys", "stores keys that have `//` in them or end with `/`"),
    Check("dot-keys", "stores keys with `.` or `..` between two slashes"),
    Check("punctuated-keys", "stores keys with spaces, plus signs, percent signs, question marks and quotation marks"),
    Check("backslash-keys", "stores keys with `\\`"),
    Check("control-keys", "stores keys with control characters, and lists them"),
    Check("normal-form-keys", "holds two spellings of an accented letter (NFC, NFD) apart"),
    Check("case-keys", "holds keys apart that differ in upper and lower case"),
    Check("folder-keys", "stores `a` and `a/b` beside each other"),
)

CHECKS: Final[Mapping[str, Check]] = {check.name: check for check in _CHECKS}
