"""What a `FaultProxy` can do to a request or its answer, which requests meet it, and the record of each."""

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Latency:
    """Forward the request after this time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status, an error with this code, and these headers besides; nothing is forwarded."""

    status: int
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Reset the connection when the request's head has come; nothing is forwarded."""


@dataclass(frozen=True, slots=True)
class CutRequest:
    """Reset both connections when this many bytes of the request's body have come."""

    after: int


@dataclass(frozen=True, slots=True)
class SlowUpload:
    """Read the request's body at this rate, in bytes a second."""

    rate: float


@dataclass(frozen=True, slots=True)
class HoldUpload:
    """Read this many bytes of the request's body, and the rest when `released` is set."""

    after: int
    released: threading.Event


@dataclass(frozen=True, slots=True)
class FlipRequest:
    """Flip one bit of this byte of the request's body."""

    at: int = 0


@dataclass(frozen=True, slots=True)
class LoseResponse:
    """Let the server do its work, then reset the connection in place of its answer."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Send the answer's head and this many bytes of its body, then reset the connection."""

    after: int


@dataclass(frozen=True, slots=True)
class Truncate:
    """Send the answer's head and this many bytes of its body, then close the connection in good order."""

    after: int


@dataclass(frozen=True, slots=True)
class Stall:
    """Send the answer's head and this many bytes of its body, and then nothing, until the client goes; None: no head either."""

    after: int | None = None


@dataclass(frozen=True, slots=True)
class SlowBody:
    """Send the answer's body at this rate, in bytes a second."""

    rate: float


@dataclass(frozen=True, slots=True)
class FlipResponse:
    """Flip one bit of this byte of the answer's body."""

    at: int = 0


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Put another body in the place of a successful answer's: `change` takes the request's target and the true body."""

    change: Callable[[str, bytes], bytes]


@dataclass(frozen=True, slots=True)
class StoreNothing:
    """Take the whole request and answer that it was done, with an ETag and a date; nothing is forwarded.

    `headers` makes what the answer says besides, from the request's headers (names in lower case) and body; `body` makes the
    answer's, from the request's target.
    """

    status: int = 200
    headers: Callable[[dict[str, str], bytes], Mapping[str, str]] = lambda _headers, _body: {}
    body: Callable[[str], bytes] = lambda _target: b""


Fault = (
    Latency
    | Status
    | Refuse
    | CutRequest
    | SlowUpload
    | HoldUpload
    | FlipRequest
    | LoseResponse
    | Reset
    | Truncate
    | Stall
    | SlowBody
    | FlipResponse
    | Rewrite
    | StoreNothing
)


@dataclass
class Rule:
    """Which requests meet a fault. `method` must match whole, `target` (path and query, as sent) somewhere."""

    fault: Fault
    method: str = ".*"
    target: str = ""
    skip: int = 0
    """How many requests pass before the first that meets it."""
    times: int | None = None
    """How many meet it; None for all."""
    meanwhile: Callable[[], object] = lambda: None
    """Called whenever a request meets it, before anything else is done: what another client does at that moment."""

    def applies(self, method: str, target: str) -> bool:
        """Tell whether this request meets the fault, and count it."""
        if self.times == 0 or not (re.fullmatch(self.method, method) and re.search(self.target, target)):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class Exchange:
    """One request as a client sent it, and how it went."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    fault: Fault | None
    at: float
    """When its head had come, by `time.monotonic`."""
    length: int = 0
    """Bytes of its body that came, framing of chunks included."""
    status: int | None = None
    """What the client was told; None where that was nothing."""
    ended: float | None = None
    """When it was over, by `time.monotonic`; None while it is in progress."""
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256, repr=False)

    @property
    def body_sha256(self) -> str:
        """The digest, in hex, of the `length` bytes that came."""
        return self._digest.hexdigest()

    def took(self, data: bytes) -> None:
        """Count bytes of the body."""
        self._digest.update(data)
        self.length += len(data)
