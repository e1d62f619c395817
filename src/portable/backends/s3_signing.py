"""What signs requests to an S3 host: the key pair that was given, or the one that a session has now."""

from typing import Final

from portable.backends import boto3_edge
from portable.backends.answers import describe, no_answer
from portable.backends.credentials import S3Credentials, check_plain
from portable.backends.sigv4 import Signer
from portable.backends.transport import Withheld
from portable.errors import ConfigurationError, Denied, PortableError, Unavailable

_OPERATION: Final = "get credentials for"


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
        """Return it. A session renews its key pair here when it must.

        Raises: Denied, Unavailable (it gets none now), ConfigurationError (it never will, as it is configured).
        """
        last = self._last
        if self._session is None:
            return last
        try:
            pair = self._session.get_credentials().get_frozen_credentials()
        except Exception as error:  # noqa: BLE001  # files, programs and services of the user's are asked: anything can be raised, and repeat a secret
            raise self._refused(error) from None
        if (pair.access_key, pair.secret_key, pair.token) != (
            last.access_key_id,
            last.secret_access_key,
            last.session_token,
        ):
            for value in filter(None, pair[:3]):
                check_plain(value, named=f"what the session gives as credentials for {self._url}")
            last = self._last = Signer(pair.access_key, pair.secret_key, pair.token, self._region)
        return last

    def _refused(self, error: Exception) -> PortableError:
        """Say in our words that no key pair was got: no caller may take that for an answer about an object."""
        try:
            with boto3_edge.errors(_OPERATION, "", self._url):
                raise error
        except (Denied, Unavailable) as known:
            return known
        except PortableError as known:
            return ConfigurationError(str(known))
        except Exception as other:  # noqa: BLE001  # see above
            reason = type(other).__name__
        if isinstance(error, OSError) and self._last.access_key_id:  # a file that is replaced just now, for example
            return no_answer(reason, operation=_OPERATION, key="", url=self._url)
        return ConfigurationError(f"{describe(_OPERATION, '', self._url)}: {reason}")
