"""Takes credentials out of what the vendors' libraries log at DEBUG: SAS and session tokens, signatures of presigned URLs."""

import logging
import re
from typing import Final

LOGGERS: Final = ("urllib3.connectionpool", "botocore.auth", "botocore.endpoint", "botocore.httpsession", "botocore.hooks")
"""Those that were seen to log one."""
_SECRETS: Final = re.compile(
    r"""(?ix) \b (sig | x-amz-signature | x-amz-security-token) (['"]? \s* [=:] \s* b?['"]?) [^\s&'",;}]+"""
)


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, the values of credentials replaced."""
        message = record.getMessage()
        redacted = _SECRETS.sub(r"\1\2***", message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


_FILTER: Final = _Redacting()


def redact_logs() -> None:
    """Redact what these libraries log in this process from now on. Doing it again changes nothing."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
