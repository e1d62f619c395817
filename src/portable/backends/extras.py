"""Optional dependencies, imported when something first needs them."""

import importlib
from collections.abc import Callable
from typing import Any, Final

from portable.backends.redaction import redact_logs
from portable.errors import ConfigurationError
from portable.forks import Birthplace, ForkSafeLock

_EXTRA: Final = {"awscrt": "s3,azure", "boto3": "s3", "botocore": "s3", "azure": "azure"}


def needed(module: str) -> Any:
    """Import an optional module, its log redacted. Raises: ConfigurationError that says what to install."""
    redact_logs()
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigurationError(
            f"{module} is not installed: pip install 'portable-storage[{_EXTRA[module.partition('.')[0]]}]'"
        ) from None


class Lazy:
    """A client that is made once in each process, by the first thread that calls for it: its connections outlive no fork."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._lock = make, ForkSafeLock()
        self._made: Any = None
        self._born = Birthplace()

    def __call__(self) -> Any:
        """Return the client."""
        with self._lock.own:
            if self._made is None or self._born.left:
                self._made, self._born = self._make(), Birthplace()
            return self._made

    def close(self) -> None:
        """Close the client, if this process made it."""
        with self._lock.own:
            if self._made is not None and not self._born.left:
                self._made.close()
