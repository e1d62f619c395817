"""What signs requests to an S3 host: the key pair that was given, or the one that a session has now."""

from portable.backends import boto3_edge
from portable.backends.credentials import S3Credentials
from portable.backends.sigv4 import Signer
from portable.backends.transport import Withheld


class Signers(Withheld):
    """Gives the signer for the next request. Safe to use from several threads."""

    def __init__(self, credentials: S3Credentials, *, url: str) -> None:
        """`url` is the store's, for messages."""
        self._session, self._region, self._url = credentials.session, credentials.region, url
        self._last = Signer(
            credentials.access_key_id or "",
            credentials.secret_access_key or "",
            credentials.session_token,
            credentials.region,
        )

    def __call__(self) -> Signer:
        """Return it. A session renews its key pair here when it must. Raises: Unavailable (it gets none)."""
        last = self._last
        if self._session is None:
            return last
        with boto3_edge.errors("get credentials for", "", self._url):
            pair = self._session.get_credentials().get_frozen_credentials()
        if (pair.access_key, pair.secret_key, pair.token) != (
            last.access_key_id,
            last.secret_access_key,
            last.session_token,
        ):
            last = self._last = Signer(pair.access_key, pair.secret_key, pair.token, self._region)
        return last
