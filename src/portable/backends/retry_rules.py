"""Which call is repeated after which error, and which refusals a repetition may owe to the attempt before it. No I/O.

An attempt that ended Unavailable (Throttled is that too) may have taken effect at the host, and so may one that ended Corrupt,
since some hosts store first and then tell the checksum. A call whose effect is the same however often it happens is simply
repeated. A conditional one, once it took effect, trips over itself when it is repeated: it is told that another version stands
there, or that its upload is gone. Such a refusal is settled by looking at what stands there, and never passed on. A refusal of
a first attempt always is.
"""

from dataclasses import dataclass
from typing import Final

from portable.backends.protocol import ANY, Expectation
from portable.errors import AlreadyExists, Corrupt, NotFound, PortableError, PreconditionFailed, Unavailable

CORRUPT_REPETITIONS: Final = 2
"""What arrives damaged a third time is damaged at its source."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one verb is repeated."""

    after: tuple[type[PortableError], ...]
    """The errors after which it is repeated."""
    settled: tuple[type[PortableError], ...] = ()
    """The refusals that are settled where an earlier attempt may have taken effect."""

    def repeats(self, error: BaseException, attempt: int) -> bool:
        """Tell whether the call is repeated after attempt number `attempt` (counted from 1) ended with `error`."""
        return isinstance(error, self.after) and not (isinstance(error, Corrupt) and attempt > CORRUPT_REPETITIONS)


_LOST: Final = (Unavailable,)
_LOST_OR_CORRUPT: Final = (Unavailable, Corrupt)
_REFUSED: Final = (AlreadyExists, PreconditionFailed)

_UNCONDITIONAL: Final = {
    "get": Rule(_LOST_OR_CORRUPT),
    "stat": Rule(_LOST),
    "list": Rule(_LOST_OR_CORRUPT),
    "children": Rule(_LOST_OR_CORRUPT),
    "inventory": Rule(_LOST_OR_CORRUPT),
    "unfinished": Rule(_LOST_OR_CORRUPT),
    "put": Rule(_LOST_OR_CORRUPT),
    "delete": Rule(_LOST),
    "begin": Rule(_LOST),  # a lost answer leaves an upload behind: `unfinished` lists it
    "resume": Rule(_LOST),
    "part": Rule(_LOST_OR_CORRUPT),
    "staged": Rule(_LOST),
    "commit": Rule(_LOST, (NotFound,)),  # a checksum of the whole object does not fit better the second time
    "abort": Rule(_LOST),
}
_CONDITIONAL: Final = {
    "put": Rule(_LOST_OR_CORRUPT, _REFUSED),
    "delete": Rule(_LOST, (PreconditionFailed,)),
    "commit": Rule(_LOST, (NotFound, *_REFUSED)),
}


def rule(verb: str, expect: Expectation = ANY) -> Rule:
    """Return the rule of a verb, called under `expect`."""
    return (_UNCONDITIONAL if expect == ANY else _CONDITIONAL)[verb]
