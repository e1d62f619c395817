"""The table of checks: what answers each question, and of which hosts it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from portable.hosts.checks import CHECKS
from portable.probe import access, attributes, checksums, conditions, history, keys, listing, reading, uploads
from portable.probe.answering import Check

Kind = Literal["s3", "az"]
_BOTH: Final[frozenset[Kind]] = frozenset({"s3", "az"})
_S3: Final[frozenset[Kind]] = frozenset({"s3"})


@dataclass(frozen=True, slots=True)
class Row:
    """One check of the table."""

    answer: Check
    kinds: frozenset[Kind] = _BOTH
    seconds: float = 30.0
    """How long it may take."""
    locks: bool = False
    """It makes an object that cannot be deleted for some seconds: only where that is allowed."""


_ROWS: Final[Mapping[str, Row]] = {
    "anonymous-refused": Row(access.anonymous),
    "wrong-secret-refused": Row(access.wrong_secret),
    "old-signature-refused": Row(access.old_signature, _S3),
    "presigned": Row(access.presigned),
    "presigned-expiry": Row(access.expiry),
    "clock": Row(access.clock),
    "tls-1.2": Row(access.tls),
    "plain-http-refused": Row(access.plain_http),
    "path-addressing": Row(access.path_style, _S3),
    "virtual-addressing": Row(access.virtual_style, _S3),
    "conditional-create": Row(conditions.create),
    "conditional-create-race": Row(conditions.create_race, seconds=60.0),
    "conditional-replace": Row(conditions.replace),
    "conditional-replace-race": Row(conditions.replace_race, seconds=60.0),
    "quoted-etags": Row(conditions.quoted),
    "conditional-complete": Row(conditions.complete),
    "conditional-complete-race": Row(conditions.complete_race, seconds=60.0),
    "conditional-delete": Row(conditions.delete),
    "conditional-reads": Row(conditions.read),
    "signed-payload": Row(checksums.signed_payload, _S3),
    "unsigned-payload": Row(checksums.unsigned_payload, _S3),
    "content-md5": Row(checksums.of_object("md5")),
    **{f"checksum-{name}": Row(checksums.of_object(name), _S3) for name in ("crc32", "crc32c", "sha1", "sha256")},
    "checksum-crc64nvme": Row(checksums.of_object("crc64nvme")),
    "part-signed-payload": Row(checksums.part_signed_payload, _S3),
    "part-content-md5": Row(checksums.of_part("md5")),
    "part-checksum-crc64nvme": Row(checksums.of_part("crc64nvme")),
    "part-checksum-sha256": Row(checksums.of_part("sha256"), _S3),
    "trailing-checksums": Row(checksums.trailing, _S3),
    "trailing-checksums-verified": Row(checksums.trailing_verified, _S3),
    "multipart": Row(uploads.multipart, seconds=120.0),
    "parts-out-of-order": Row(uploads.out_of_order, seconds=120.0),
    "part-again": Row(uploads.part_again),
    "small-parts-refused": Row(uploads.small_parts, _S3),
    "list-parts": Row(uploads.list_parts),
    "list-uploads": Row(uploads.list_uploads),
    "aborted-uploads": Row(uploads.aborted, _S3),
    "etag-is-md5": Row(uploads.etag_is_md5),
    "complete-etag": Row(uploads.complete_etag),
    "multipart-etag": Row(uploads.multipart_etag, _S3),
    "list-v1": Row(listing.version_1, _S3),
    "list-v2": Row(listing.version_2, _S3),
    "list-url-encode": Row(listing.url_encoded, _S3),
    "listing-pages": Row(listing.pages),
    "listing-order": Row(listing.order),
    "read-after-write": Row(reading.after_write),
    "list-after-write": Row(listing.after_write),
    "read-after-delete": Row(reading.after_delete),
    "missing-delete": Row(reading.missing_delete),
    "bytes-unchanged": Row(reading.unchanged),
    "ranged-reads": Row(reading.ranges),
    "suffix-ranges": Row(reading.suffix),
    "range-past-end": Row(reading.past_end),
    "metadata": Row(attributes.metadata),
    "long-metadata": Row(attributes.long_metadata),
    "metadata-underscores": Row(attributes.underscores),
    "headers": Row(attributes.headers),
    "tagging": Row(attributes.tagging),
    "versioning": Row(history.versioning),
    "object-lock": Row(history.object_lock, _S3, locks=True),
    "customer-keys": Row(attributes.customer_keys),
    "long-keys": Row(keys.long),
    **{name: Row(keys.of_class(name)) for name in keys.CLASSES},
}

TABLE: Final[Mapping[str, Row]] = {name: _ROWS[name] for name in CHECKS}
"""By name, in the order of `portable.hosts.checks.CHECKS`, which it covers whole."""


def chosen(kind: Kind, *, allow_lock: bool) -> dict[str, Row]:
    """Return the checks that a host of this kind is asked."""
    return {name: row for name, row in TABLE.items() if kind in row.kinds and (allow_lock or not row.locks)}
