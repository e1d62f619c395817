"""Takes credentials out of what the libraries underneath log at DEBUG: key pairs, tokens and signatures, by their names."""

import logging
import re
from collections.abc import Callable
from functools import cache
from typing import Final

LIBRARIES: Final = frozenset(
    {"adlfs", "aiobotocore", "aiohttp", "azure", "boto3", "botocore", "fsspec", "gcsfs", "google", "msal", "s3fs"}
    | {"s3transfer", "urllib3"}
)
"""What talks to hosts and to those who vouch for us: all loggers of these names, and below them."""
_SECRETS: Final = re.compile(
    r"""(?isx)
    (?P<name>
        (?: (?:\b|%3f|%26) sig | signature | token | assertion | password | authorization | identity[_-]header
          | secret (?:[_-]?access)? (?:[_-]?key)? | (?:account|shared)[_-]?key )
        # in a query, a header, JSON, what Python shows of a dict, or an XML element
        (?:\\*["'])? \s* (?:[=:>] | %3d) \s* [\[(]? (?:b(?=\\*["']))?
    )
    (?: (?P<quote>\\*["']) .*? (?P=quote) | \\*["']? (?:(?:bearer|basic|sharedkey)\s+)? [^\s&'",;}<]+ )
    """
)


class _Redacting:
    """Makes log records as `make` does, the values of credentials replaced in those of the libraries.

    A filter of a logger does not see what the loggers below it say; this sees what they all say, also those made later.
    """

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, name: str, *args: object, **kwargs: object) -> logging.LogRecord:
        record = self._make(name, *args, **kwargs)
        if str(name).partition(".")[0] in LIBRARIES:
            try:
                message = record.getMessage()
            except Exception:  # noqa: BLE001  # the library's own slip: who formats the record reports it, as without us
                return record
            redacted = _SECRETS.sub(r"\g<name>\g<quote>***\g<quote>", message)
            if redacted != message:
                record.msg, record.args = redacted, ()
        return record


@cache
def redact_logs() -> None:
    """Redact what these libraries log in this process from now on. Doing it again changes nothing."""
    logging.setLogRecordFactory(_Redacting(logging.getLogRecordFactory()))
