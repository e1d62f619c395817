"""Credentials in the form that obstore asks for: a function that it calls when it has none, or they have expired.

A function, and not obstore's options: those would be mixed with what object_store finds in the environment.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from portable.backends.credentials import AZURE_SCOPE, AzureCredentials, S3Credentials

_ASK_AGAIN: Final = timedelta(minutes=5)
"""How long a session's key pair is used; botocore renews it earlier than that before it expires."""


def s3_provider(credentials: S3Credentials) -> Callable[[], Any]:
    """Return what gives obstore the key pair, asked again before it can have expired."""

    def fixed() -> dict[str, Any]:
        return {
            "access_key_id": credentials.access_key_id,
            "secret_access_key": credentials.secret_access_key,
            "token": credentials.session_token,
            "expires_at": None,
        }

    def renewed() -> dict[str, Any]:
        pair = credentials.session.get_credentials().get_frozen_credentials()
        return {
            "access_key_id": pair.access_key,
            "secret_access_key": pair.secret_key,
            "token": pair.token,
            "expires_at": datetime.now(UTC) + _ASK_AGAIN,
        }

    return fixed if credentials.session is None else renewed


def azure_provider(credentials: AzureCredentials) -> Callable[[], Any]:
    """Return what gives obstore the account's key, SAS token or access token."""

    def fixed() -> dict[str, Any]:
        return {"access_key": credentials.key} if credentials.key else {"sas_token": credentials.sas}

    def renewed() -> dict[str, Any]:
        token = credentials.identity.get_token(AZURE_SCOPE)
        return {"token": token.token, "expires_at": datetime.fromtimestamp(token.expires_on, UTC)}

    if credentials.identity is None:
        return lambda: fixed() | {"expires_at": None}
    return renewed
