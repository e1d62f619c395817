"""From what an fsspec filesystem says of a file to `Stat`, and to a token that changes with the bytes. Pure.

fsspec fixes three names of an `info` (`name`, `size`, `type`); all others are the filesystem's own. The tables list those that
were seen to tell versions and times.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from portable.backends.local_versions import moment
from portable.backends.protocol import Stat
from portable.errors import Unsupported

ENTITY_TAGS: Final = ("ETag", "etag", "e_tag", "generation")
"""Names of what a host changes with every write: s3fs, adlfs and others."""
TIMES: Final = ("LastModified", "last_modified", "updated", "modified", "mtime", "modificationTime", "modify", "created")
"""Names of the time of the last change, the best first. `created` is last: a filesystem that replaces files renews it.

`modificationTime` is HDFS's ("WebHDFS REST API", FileStatus: milliseconds), `modify` is FTP's (RFC 3659, section 7.5.3).
"""
_FTP_TIME: Final = re.compile(r"^(\d{8})(\d{6})")
"""YYYYMMDDHHMMSS (RFC 3659, section 2.3), which is ISO 8601 but for the letter between."""
IDENTITIES: Final = ("ino", "uid", "gid", "mode")
"""Names of what changes when another file takes the place of one, or its owner is changed."""


def described(info: Mapping[str, Any], key: str, *, url: str, details: Mapping[str, str] | None = None) -> Stat:
    """Describe a file. Attributes are None: fsspec has no common words for them.

    Raises: Unsupported where the filesystem tells no length, no time, or nothing that changes with the bytes.
    """
    size, modified = info.get("size"), _modified(info)
    if not isinstance(size, int) or modified is None:
        raise Unsupported(f"{key!r} in {url}: the filesystem tells {'no length' if modified else 'no time'} of its files")
    return Stat(key, size, modified, entity_tag(info) or _fingerprint(info, size), None, details or {})


def entity_tag(answer: object) -> str | None:
    """Return the host's own token of a version, where an `info` or the answer to a write holds one."""
    if not isinstance(answer, Mapping):
        return None
    return next((str(answer[name]) for name in ENTITY_TAGS if answer.get(name)), None)


def _fingerprint(info: Mapping[str, Any], size: int) -> str:
    """Make a token of length, times and identity: as good as the resolution of the filesystem's clock."""
    times = {name: told.timestamp() for name in TIMES if (told := _moment(name, info.get(name)))}
    identity = {name: info[name] for name in IDENTITIES if name in info}
    text = repr((size, sorted(times.items()), sorted(identity.items())))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _modified(info: Mapping[str, Any]) -> datetime | None:
    return next((told for name in TIMES if (told := _moment(name, info.get(name)))), None)


def _moment(name: str, value: object) -> datetime | None:
    """Read a time: a datetime (UTC where it names no zone), seconds since 1970, ISO 8601, or what `TIMES` says of its name."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(_FTP_TIME.sub(r"\1T\2", value))
        except ValueError:
            return None
    if isinstance(value, datetime):
        # By way of the number: a time next to the last one of a zone may be one too late for UTC.
        return moment(value.replace(tzinfo=value.tzinfo or UTC).timestamp())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return moment(value / 1000 if name == "modificationTime" else value)
    return None
