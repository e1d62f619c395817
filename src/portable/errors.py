"""Every error that this package raises on purpose.

Each class has a stable `kind` (for programs and JSON output) and, where callers of Python's own file functions expect one, a
built-in exception as a second base: whatever keeps bytes from being read or written is an OSError, as pandas and pyarrow expect
of any file. Wrong usage is none, so that code which looks for a missing file never takes it for one::

    PortableError
    ├── ConfigurationError        kind "configuration"        wrong usage or configuration; exit status 2
    ├── RefusedError              kind "refused"              a condition does not hold; exit status 3
    ├── NotFound                  kind "not-found"            also FileNotFoundError
    ├── AlreadyExists             kind "already-exists"       also FileExistsError
    ├── PreconditionFailed        kind "precondition-failed"  another version stands at the key
    ├── InvalidKey                kind "invalid-key"          also ValueError; this store cannot hold the key unchanged
    ├── Unsupported               kind "unsupported"          also io.UnsupportedOperation; the host cannot do it
    ├── Denied                    kind "denied"               also PermissionError
    ├── Cancelled                 kind "cancelled"            the store was closed while the call waited; exit status 130
    ├── ForkedProcess             kind "forked"               also RuntimeError; opened before a fork, used in the child
    ├── RetryableError            kind "retryable"            also TimeoutError; the same call may succeed later
    │   ├── Unavailable           kind "unavailable"          no answer, a cut connection, a server error
    │   │   └── Throttled         kind "throttled"            the host asks for fewer requests
    │   ├── Frozen                kind "frozen"               writes are held while the volume moves
    │   ├── ObjectChanged         kind "changed"              the object was replaced while it was read: open it again
    │   └── OutcomeUnknown        kind "outcome-unknown"      a write was neither acknowledged nor refused: repeat it
    ├── IntegrityError            kind "integrity"            also OSError; stored bytes are not what a trusted writer wrote
    │   ├── Corrupt               kind "corrupt"              bytes do not fit their checksum: altered on the way or at the host
    │   ├── MalformedMessage      kind "malformed"            not a message of the profile
    │   └── ContextMismatch       kind "context-mismatch"     an authentic message of another key or volume
    └── KeysError                 kind "keys"                 also OSError
        ├── UntrustedSignature    kind "untrusted"            not signed by the pinned authority, or older than what was seen
        ├── UnlockFailed          kind "unlock-failed"        also PermissionError; no identity at hand opens the keyring
        └── UnknownEpoch          kind "unknown-epoch"        the keyring holds no such volume or epoch key

Messages name what is wrong, where, and what to do; they never contain key material or credentials.
"""

import io


class PortableError(Exception):
    """Base of every error of this package."""

    kind = "error"
    exit_status = 1


class ConfigurationError(PortableError):
    """A file, option or environment variable is wrong or missing."""

    kind = "configuration"
    exit_status = 2


class RefusedError(PortableError):
    """A condition for the operation does not hold; the message names the command that brings it about."""

    kind = "refused"
    exit_status = 3


class NotFound(PortableError, FileNotFoundError):
    """No object stands at the key."""

    kind = "not-found"


class AlreadyExists(PortableError, FileExistsError):
    """An object stands at the key, and the write expected none."""

    kind = "already-exists"


class PreconditionFailed(PortableError):
    """The object at the key is not the version that the call expected."""

    kind = "precondition-failed"


class InvalidKey(PortableError, ValueError):
    """The store cannot hold this key unchanged, so nothing was written."""

    kind = "invalid-key"


class Unsupported(PortableError, io.UnsupportedOperation):
    """The host cannot do what was asked, and nothing emulates it."""

    kind = "unsupported"


class Denied(PortableError, PermissionError):
    """The host, or the mode that a volume was opened in, does not allow the operation."""

    kind = "denied"


class Cancelled(PortableError):
    """The store was closed while the call waited to be repeated."""

    kind = "cancelled"
    exit_status = 130


class ForkedProcess(PortableError, RuntimeError):
    """What was opened before this process was forked is used in it.

    Its connections, threads and locks belong to the parent. Start processes by `spawn` or `forkserver`, or open it anew.
    """

    kind = "forked"


class RetryableError(PortableError, TimeoutError):
    """The same call may succeed later."""

    kind = "retryable"


class Unavailable(RetryableError):
    """The host gave no usable answer within the time allowed.

    A mutation that ends so may have taken effect at the host.
    """

    kind = "unavailable"


class Throttled(Unavailable):
    """The host asks for fewer requests; `retry_after` is how many seconds it wants to be left alone, where it says so."""

    kind = "throttled"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Frozen(RetryableError):
    """The volume is moving to another home and holds writes; nothing was written."""

    kind = "frozen"


class ObjectChanged(RetryableError):
    """The object was replaced or deleted while it was being read; open it again."""

    kind = "changed"


class OutcomeUnknown(RetryableError):
    """A mutation was neither acknowledged nor refused; repeat it, under a condition after a look at what stands there."""

    kind = "outcome-unknown"


class IntegrityError(PortableError, OSError):
    """Stored bytes are not what a holder of the volume's keys wrote at this place."""

    kind = "integrity"


class Corrupt(IntegrityError):
    """Bytes do not fit the checksum that came with them: they were altered on the way, or at the host.

    A host that finds this out itself stores nothing of a write. One that tells the checksum of what it stored may have stored
    altered bytes, and readers see them: write the object again.
    """

    kind = "corrupt"


class MalformedMessage(IntegrityError):
    """The bytes are not a message of the profile (see docs/spec/object-format.md)."""

    kind = "malformed"


class ContextMismatch(IntegrityError):
    """An authentic message, but of another key or another volume."""

    kind = "context-mismatch"


class KeysError(PortableError, OSError):
    """A keyring, an authority or an identity cannot be used, and with it nothing that it opens."""

    kind = "keys"


class UntrustedSignature(KeysError):
    """A signed document is unsigned, altered, of another authority, or older than one seen before."""

    kind = "untrusted"


class UnlockFailed(KeysError, PermissionError):
    """No identity at hand opens the keyring."""

    kind = "unlock-failed"


class UnknownEpoch(KeysError):
    """The keyring holds no such volume or epoch key."""

    kind = "unknown-epoch"
