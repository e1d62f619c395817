"""What lets a request through at Azure: a token that this process signed, one that was given, or an access token.

A signature over each request would cost more than the request. A token for the container, signed once with the account's
key by the SDK, is put on all of them instead, and renewed long before it ends.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Final

from portable.backends import azure_sdk
from portable.backends.credentials import AZURE_SCOPE, AzureCredentials
from portable.backends.extras import needed

_VALID: Final = timedelta(hours=2)
"""Of a token that is signed here. Its start is left out, so that a host whose clock is behind takes it at once."""
_RENEWED: Final = 3600.0
"""Seconds: such a token is used for this long, so that a host whose clock is up to an hour ahead takes it to the end."""
_EARLY: Final = 300.0
"""Seconds before its end at which an access token is renewed, as the SDK does."""
_PERMISSIONS: Final = "rcwdl"
"""Read, create, write, delete, list: no more than the data path asks for."""


class Signer:
    """Gives what a request to one container must carry. Safe to use from several threads."""

    def __init__(self, container: str, credentials: AzureCredentials, *, url: str) -> None:
        self._container, self._credentials, self._url = container, credentials, url
        self._lock = threading.Lock()
        self._query, self._headers = "", dict[str, str]()
        self._until = 0.0
        self._renew: Callable[[], None] = self._sign
        if credentials.identity is not None:
            self._renew = self._ask
        elif not credentials.key:
            self._query, self._until = credentials.sas or "", float("inf")

    def signature(self) -> tuple[str, dict[str, str]]:
        """Return the query, without its mark, and the headers. Raises: Denied, Unavailable (no access token is given)."""
        # Wall-clock time: what is signed ends by it, also where the machine slept.
        if time.time() >= self._until:
            with self._lock:
                if time.time() >= self._until:
                    self._renew()
        if self._headers:
            return "", {**self._headers, "x-ms-date": formatdate(usegmt=True)}
        return self._query, {}

    def _sign(self) -> None:
        now = time.time()
        self._query = needed("azure.storage.blob").generate_container_sas(
            self._credentials.account,
            self._container,
            self._credentials.key,
            permission=_PERMISSIONS,
            expiry=datetime.fromtimestamp(now, UTC) + _VALID,
        )
        self._until = now + _RENEWED

    def _ask(self) -> None:
        with azure_sdk.errors("get an access token for", "", self._url):
            token = self._credentials.identity.get_token(AZURE_SCOPE)
        self._headers = {"Authorization": f"Bearer {token.token}"}
        now = time.time()
        # A token that ends soon is used for half of what is left of it.
        self._until = max(token.expires_on - _EARLY, now + (token.expires_on - now) / 2)
