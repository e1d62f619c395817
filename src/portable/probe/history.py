"""Earlier versions, and objects that cannot be deleted before a date."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.etree.ElementTree import ParseError, fromstring

from portable.backends.raw_s3 import content_md5
from portable.probe.access import clock_offset
from portable.probe.answering import BODY, OTHER, Found, Scratch, either, no, refused, unknown

_LOCKED: Final = 5.0
"""Seconds, by the host's clock, that an object is locked for: then it can be deleted, whatever the credentials may do."""


def versioning(scratch: Scratch) -> Found:
    """Two writes of one key, in a bucket that keeps versions; whether it does is left as it is."""
    first = scratch.raw.put(scratch.key(), BODY)
    second = scratch.raw.put(scratch.key(), OTHER)
    header = "x-ms-version-id" if scratch.raw.kind == "az" else "x-amz-version-id"
    old, new = first.headers.get(header), second.headers.get(header)
    if old and new and old != new:
        query = f"versionid={old}" if scratch.raw.kind == "az" else f"versionId={old}"
        reply = scratch.raw.send("GET", scratch.key(), query)
        return either(reply.ok and reply.body == BODY, f"GET of the version before the last answered {reply}")
    if scratch.raw.kind == "az":
        return unknown("the account keeps no versions now; whether it can is not told")
    status = scratch.raw.send("GET", "", "versioning=")
    if not status.ok:
        return refused(status, f"GET ?versioning answered {status}")
    if b"Enabled" in status.body:
        return no("the bucket says that it keeps versions, and a write is answered without one")
    return unknown("the bucket keeps no versions now: ask again with one that does")


def object_lock(scratch: Scratch) -> Found:
    """Try a version that is locked for some seconds (governance mode), and deleted before they are over."""
    ahead = timedelta(seconds=clock_offset(scratch) or 0.0)
    until = datetime.now(UTC) + ahead + timedelta(seconds=_LOCKED)
    key = scratch.key()
    lock = {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    written = scratch.raw.put(key, BODY, {**lock, "Content-MD5": content_md5(BODY)})
    if not written.ok:
        if _has_no_lock(scratch):
            return unknown(f"the bucket was made without object lock; PUT with a lock answered {written}")
        return refused(written, f"PUT with a lock answered {written}")
    version = written.headers.get("x-amz-version-id", "")
    deleted = scratch.raw.delete(key, version=version)
    still = scratch.raw.send("GET", key, f"versionId={version}" if version else "")
    if still.ok:  # until the lock ends, it cannot be removed
        time.sleep(max(0.0, (until - ahead - datetime.now(UTC)).total_seconds() + 1))
    said = f"DELETE of a version that was locked answered {deleted}, GET afterwards {still}"
    return either(not deleted.ok and still.ok, said)


def _has_no_lock(scratch: Scratch) -> bool:
    """Tell whether the host knows of object lock and says that this bucket has none."""
    reply = scratch.raw.send("GET", "", "object-lock=")
    if reply.status == 404:
        return True
    try:
        return reply.ok and not list(fromstring(reply.body))  # noqa: S314  # expat refuses amplification and external entities
    except ParseError:
        return False
