"""Hosts whose keys are paths of files: there no object can stand at `a` beside one at `a/b`.

Such a host answers a write of the second with 5xx, as it does when it fails. Here the two are told apart, by looking at what
stands there; and a write of `a` that would destroy all below it is refused before it is sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from portable.backends.answers import describe
from portable.backends.s3_listing import S3Listing
from portable.backends.s3_rules import Rules
from portable.backends.s3_wire import S3Wire
from portable.errors import InvalidKey, NotFound, PortableError, Throttled, Unavailable

_ANSWERED: Final = "(HTTP "
"""What `refusal` says of an answer: where none came, a look would have to wait as long as the request did."""


class Folders:
    """Looks for keys above and below others, on hosts whose contract says so; elsewhere it does nothing."""

    def __init__(self, wire: S3Wire, listing: S3Listing, rules: Rules) -> None:
        self._wire, self._listing, self._rules = wire, listing, rules
        self._kind = rules.contract.keys.folders

    def check(self, operation: str, key: str) -> None:
        """Raise InvalidKey where a write of `key` would destroy what stands below it."""
        if self._kind == "replaced" and self._is_below(key):
            raise self._collision(operation, key)

    @contextmanager
    def explained(self, operation: str, key: str) -> Iterator[None]:
        """Raise InvalidKey for an Unavailable inside that comes of keys above or below."""
        try:
            yield
        except Unavailable as error:
            self.explain(operation, key, error)
            raise

    def explain(self, operation: str, key: str, error: Unavailable) -> None:
        """Raise InvalidKey, if the error comes of keys above or below."""
        if self._kind == "uncommitted":  # such a host holds both keys all the same
            comes_of_keys = operation == "commit" and f"{_ANSWERED}500" in str(error) and _seen(self._is_below, key, error)
        else:
            comes_of_keys = self._kind != "none" and _seen(self._is_beside, key, error)
        if comes_of_keys:
            raise self._collision(operation, key) from error

    def is_folder(self, key: str, error: Unavailable) -> bool:
        """Tell whether a delete of `key` failed because other keys stand below it, and so none at it."""
        return self._kind in ("refused", "replaced") and _seen(self._is_below, key, error)

    def is_below_file(self, key: str) -> bool:
        """Tell whether an object stands above `key`, on a host that would delete that one in its place."""
        return self._kind == "replaced" and self._is_above(key)

    def _is_beside(self, key: str) -> bool:
        return self._is_above(key) or self._is_below(key)

    def _is_above(self, key: str) -> bool:
        segments = (self._rules.prefix + key).split("/")
        return any(self._stands("/".join(segments[:length])) for length in range(1, len(segments)))

    def _is_below(self, key: str) -> bool:
        return self._listing.is_any_below(f"{self._rules.prefix}{key}/", key=key)

    def _stands(self, whole: str) -> bool:
        try:
            self._wire.stat(whole, key=whole)
        except NotFound:
            return False
        return True

    def _collision(self, operation: str, key: str) -> InvalidKey:
        what = describe(operation, key, self._rules.url)
        return InvalidKey(
            f"{what}: keys stand above or below it, and to this host they are files and folders (`a` beside `a/b`)"
        )


def _seen(look: Callable[[str], bool], key: str, error: Unavailable) -> bool:
    """Look for what explains the error. A look that fails explains nothing, and a host that wants fewer requests gets none."""
    if isinstance(error, Throttled) or _ANSWERED not in str(error):
        return False
    try:
        return look(key)
    except PortableError:
        return False
