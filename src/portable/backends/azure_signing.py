"""What lets a request through at Azure: a token that this process signed, one that was given, or an access token.

A signature over each request would cost more than the request. A token for the container, signed once with the account's
key by the SDK, is put on all of them instead, and renewed long before it ends.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final

from portable.backends import azure_sdk
from portable.backends.answers import no_answer
from portable.backends.credentials import AZURE_SCOPE, AzureCredentials
from portable.backends.extras import needed
from portable.errors import ConfigurationError
from portable.forks import ForkSafeLock

_VALID: Final = 7200.0
"""Seconds: of a token that is signed here. Its start is left out, so that a host whose clock is behind takes it at once."""
_RENEWED: Final = 3600.0
"""Seconds: such a token is used for this long, so that a host whose clock is up to an hour ahead takes it to the end."""
_EARLY: Final = 300.0
"""Seconds before its end at which an access token is renewed, as the SDK does."""
_LATE: Final = 60.0
"""Seconds before its end from which on no request goes out with an access token: the host's clock may be ahead."""
_PERMISSIONS: Final = "rcwdl"
"""Read, create, write, delete, list: no more than the data path asks for."""
_ASKING: Final = "get a token for"


class Signer:
    """Gives what a request to one container must carry. Safe to use from several threads, and after a fork."""

    def __init__(self, container: str, credentials: AzureCredentials, *, url: str) -> None:
        """`url` is the store's, for messages. Raises: ConfigurationError (an access token would be sent without TLS)."""
        self._container, self._credentials, self._url = container, credentials, url
        self._lock = ForkSafeLock()
        self._query, self._headers = "", dict[str, str]()
        self._until = self._ends = 0.0
        self._renew: Callable[[], None] = self._sign
        if credentials.identity is not None:
            if not credentials.endpoint.startswith("https:"):
                raise ConfigurationError(
                    f"{url}: an identity's access tokens are sent over TLS alone, as whoever reads one has them: its endpoint "
                    "must be an https:// URL"
                )
            self._renew = self._ask
        elif not credentials.key:
            self._query, self._until = credentials.sas or "", float("inf")

    def signature(self, seconds: float) -> tuple[str, dict[str, str], float]:
        """Return the query, without its mark, the headers, and the seconds that getting them took of the request's own.

        Raises: Denied (no access token is given), Unavailable (none in `seconds`), ConfigurationError (the key is none).
        """
        # Wall-clock time: what is signed ends by it, also where the machine slept.
        took = self._renewal(seconds) if time.time() >= self._until else 0.0
        if self._headers:
            return "", {**self._headers, "x-ms-date": formatdate(usegmt=True)}, took
        return self._query, {}, took

    def _renewal(self, seconds: float) -> float:
        """Renew what requests carry, one thread at a time, and return how long that took.

        Meanwhile the others go on with what they have, or where that has ended wait for `seconds`.
        """
        if self._credentials.key:
            needed("azure.storage.blob")  # before the clock begins: to load it takes longer than a request may
        began, can_go_on = time.monotonic(), time.time() < self._ends
        lock = self._lock.own
        has_turn = lock.acquire(timeout=0 if can_go_on else seconds)
        if has_turn:
            try:
                if time.time() >= self._until:
                    self._renew()
            finally:
                lock.release()
        elif can_go_on:
            return 0.0
        took = time.monotonic() - began
        if not has_turn or took >= seconds:
            raise no_answer("none came in time", operation=_ASKING, key="", url=self._url)
        return took

    def _sign(self) -> None:
        now = time.time()
        ends = datetime.fromtimestamp(now + _VALID, UTC)
        self._query = signed_token(self._container, self._credentials, _PERMISSIONS, ends, url=self._url)
        self._until, self._ends = now + _RENEWED, now + _VALID

    def _ask(self) -> None:
        with azure_sdk.errors(_ASKING, "", self._url):
            token = self._credentials.identity.get_token(AZURE_SCOPE)
        self._headers = {"Authorization": f"Bearer {token.token}"}
        now = time.time()
        # A token that ends soon is used for half of what is left of it.
        self._until = max(token.expires_on - _EARLY, now + (token.expires_on - now) / 2)
        self._ends = token.expires_on - _LATE


def signed_token(container: str, credentials: AzureCredentials, permissions: str, ends: datetime, *, url: str) -> str:
    """Sign a token for a container with the account's key. Raises: ConfigurationError (a key that is none)."""
    try:
        return str(
            needed("azure.storage.blob").generate_container_sas(
                credentials.account, container, credentials.key, permission=permissions, expiry=ends
            )
        )
    except ValueError:
        raise ConfigurationError(
            f"{url}: the account's key is not base64 (AZURE_STORAGE_KEY or AZURE_STORAGE_CONNECTION_STRING, after the prefix "
            "of the store's credentials)"
        ) from None
