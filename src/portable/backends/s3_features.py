"""What S3 hosts keep beside an object's bytes, headers and metadata: versions, tags, storage class, restores and locks.

No part of the contract of every backend: a source or a target that is S3 is asked for it as `S3Backend.features`. What the
host does not hold is Unsupported, before anything is sent.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

from portable.backends import boto3_edge
from portable.backends.answers import describe
from portable.backends.extras import Lazy
from portable.backends.key_rules import check_range, check_text
from portable.backends.pages import Pages
from portable.backends.protocol import Fetched
from portable.backends.s3_rules import Rules
from portable.backends.s3_wire import S3Wire
from portable.errors import Unsupported

_RESTORE: Final = re.compile(r'ongoing-request="(?P<ongoing>true|false)"(?:, expiry-date="(?P<until>[^"]*)")?')
_NO_LOCK: Final = {
    "InvalidRequest",  # Amazon: the bucket has no object lock
    "NoSuchObjectLegalHold",
    "NoSuchObjectLockConfiguration",
    "ObjectLockConfigurationNotFoundError",
}
_BETWEEN: Final = "\0"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, or the mark that it was deleted."""

    version_id: str
    modified: datetime
    """In UTC."""
    is_latest: bool
    is_delete_marker: bool
    size: int
    """Bytes; 0 for a delete marker."""
    etag: str
    """"" for a delete marker."""
    storage_class: str


@dataclass(frozen=True, slots=True)
class Restore:
    """The state of an archived object that was asked back."""

    is_ongoing: bool
    until: datetime | None
    """When the restored copy goes again, in UTC."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What keeps an object version from being deleted."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"] | None
    until: datetime | None
    """In UTC."""
    legal_hold: bool


class S3Features:
    """The features of one bucket and prefix. Each call but a listing sends one request, once; `lock` sends two.

    Every call raises Unsupported where the host does not hold the feature, and Denied and Unavailable as all others.
    """

    def __init__(self, client: Lazy, wire: S3Wire, bucket: str, rules: Rules) -> None:
        self._client, self._wire, self._bucket, self._rules = client, wire, bucket, rules

    def versions(self, key: str) -> Iterator[Version]:
        """List the versions of a key, the latest first; nothing where it never stood. Raises: NotFound (the bucket)."""
        self._check("versions", key, held=self._rules.contract.held.versions)
        whole, url = self._rules.prefix + key, self._rules.url

        def fetch(marker: str | None) -> tuple[list[Version], str | None]:
            parameters = {"Bucket": self._bucket, "Prefix": whole}  # boto3 itself asks for encoded keys, and decodes them
            if marker is not None:
                name, _, version = marker.partition(_BETWEEN)
                parameters |= {"KeyMarker": name, "VersionIdMarker": version}
            with boto3_edge.errors("versions", key, url):
                page = self._client().list_object_versions(**parameters)
            kinds = ((page.get("Versions", []), False), (page.get("DeleteMarkers", []), True))
            entries = [(entry, is_marker) for found, is_marker in kinds for entry in found]
            own = [_version(entry, is_marker=is_marker) for entry, is_marker in entries if entry["Key"] == whole]
            # Keys come in order: after the first other one, nothing of this one follows.
            if len(own) < len(entries) or not page.get("IsTruncated"):
                return own, None
            return own, f"{page['NextKeyMarker']}{_BETWEEN}{page.get('NextVersionIdMarker', '')}"

        return iter(sorted(Pages(fetch, url=url), key=lambda version: (version.is_latest, version.modified), reverse=True))

    def read_version(self, key: str, version_id: str, start: int = 0, stop: int | None = None) -> Fetched:
        """Read bytes [start, stop) of a version, clamped. Raises: NotFound."""
        self._check("read", key, held=self._rules.contract.held.versions)
        check_range(start, stop)
        return self._wire.get(self._rules.prefix + key, start, stop, None, key=key, version=version_id)

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags of an object. Raises: NotFound."""
        self._check("tags", key, held=self._rules.contract.held.tags)
        with boto3_edge.errors("tags", key, self._rules.url):
            answer = self._client().get_object_tagging(**self._target(key))
        return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", [])}

    def replace_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Make these the tags of an object. Raises: NotFound."""
        self._check("tag", key, held=self._rules.contract.held.tags)
        tagging = {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
        with boto3_edge.errors("tag", key, self._rules.url):
            self._client().put_object_tagging(**self._target(key), Tagging=tagging)

    def storage_class(self, key: str) -> str:
        """Return the storage class of an object, "STANDARD" where the host names none. Raises: NotFound."""
        self._check("stat", key, held=True)
        answer = self._head(key)
        return str(answer.get("StorageClass", "STANDARD"))

    def restore(self, key: str, *, days: int, tier: str = "Standard") -> None:
        """Ask for a readable copy of an archived object, for that many days. Raises: NotFound, Unsupported (not archived)."""
        self._check("restore", key, held=self._rules.contract.held.restore)
        request = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        with boto3_edge.errors("restore", key, self._rules.url):
            self._client().restore_object(**self._target(key), RestoreRequest=request)

    def restored(self, key: str) -> Restore | None:
        """Tell how far a restore is; None where none was asked for. Raises: NotFound."""
        self._check("restore", key, held=self._rules.contract.held.restore)
        answer = self._head(key)
        if not (found := _RESTORE.match(answer.get("Restore", ""))):
            return None
        until = found["until"]
        return Restore(found["ongoing"] == "true", parsedate_to_datetime(until).astimezone(UTC) if until else None)

    def lock(self, key: str) -> Lock | None:
        """Return the lock of an object's latest version; None where it has none. Raises: NotFound."""
        self._check("lock", key, held=self._rules.contract.held.locks)
        client, target = self._client(), self._target(key)
        retention = self._locked("Retention", key, lambda: client.get_object_retention(**target))
        hold = self._locked("LegalHold", key, lambda: client.get_object_legal_hold(**target))
        on = hold.get("Status") == "ON"
        if not retention.get("Mode") and not on:
            return None
        until = retention.get("RetainUntilDate")
        return Lock(retention.get("Mode"), until.astimezone(UTC) if until else None, on)

    def _check(self, operation: str, key: str, *, held: bool) -> None:
        check_text(key, url=self._rules.url)
        if not held:
            raise Unsupported(f"{describe(operation, key, self._rules.url)}: the host does not hold this")

    def _head(self, key: str) -> Mapping[str, Any]:
        with boto3_edge.errors("stat", key, self._rules.url):
            answer: Mapping[str, Any] = self._client().head_object(**self._target(key))
        return answer

    def _target(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._rules.prefix + key}

    def _locked(self, name: str, key: str, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        from botocore.exceptions import ClientError

        with boto3_edge.errors("lock", key, self._rules.url):
            try:
                answer: Mapping[str, Any] = call().get(name, {})
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NO_LOCK:
                    return {}
                raise
        return answer


def _version(entry: Mapping[str, Any], *, is_marker: bool) -> Version:
    return Version(
        version_id=str(entry["VersionId"]),
        modified=entry["LastModified"].astimezone(UTC),
        is_latest=bool(entry["IsLatest"]),
        is_delete_marker=is_marker,
        size=int(entry.get("Size", 0)),
        etag=str(entry.get("ETag", "")),
        storage_class=str(entry.get("StorageClass", "STANDARD")),
    )
