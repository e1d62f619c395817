"""What an error of the operating system means for a key: the codes that asking again does not mend."""

import errno
from typing import Final

from portable.errors import Denied, InvalidKey, PortableError, Unsupported

Meaning = tuple[type[PortableError], str]

_NO_SUCH_NAME: Final[Meaning] = (InvalidKey, "the filesystem takes no such name")
_REFUSED: Final[Meaning] = (Unsupported, "the filesystem cannot do it")

MEANINGS: Final[dict[int, Meaning]] = {
    errno.ENAMETOOLONG: (InvalidKey, "the filesystem takes no name as long as that"),
    errno.EILSEQ: _NO_SUCH_NAME,
    errno.EINVAL: _NO_SUCH_NAME,
    errno.EXDEV: (Unsupported, "another filesystem is mounted below the root: make that a store of its own"),
    errno.ENOSYS: _REFUSED,
    errno.EOPNOTSUPP: _REFUSED,
    errno.ENOLCK: (Unsupported, "the filesystem has no locks"),
    errno.EROFS: (Denied, "the filesystem is read-only"),
}
"""By `errno` (errno(3), open(2), rename(2), link(2), flock(2))."""
