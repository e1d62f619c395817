"""The S3 backend's boto3: a client that sends each request once, within a bound of time, and botocore's errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from portable.backends.answers import describe, no_answer, read_retry_after, refusal
from portable.backends.credentials import S3Credentials
from portable.backends.extras import needed
from portable.backends.pacing import Pace
from portable.backends.s3_rules import Rules
from portable.backends.wire import CONNECTIONS
from portable.errors import ConfigurationError, InvalidKey

_UNTRUSTED: Final = ("CERTIFICATE_VERIFY_FAILED", "doesn't match")
"""How ssl, and urllib3 where it compares names itself, say that a certificate is not the host's."""


def client(credentials: S3Credentials, rules: Rules, pace: Pace, *, bound: float) -> Any:
    """Return a boto3 S3 client for which a request, as slow as it may be, ends within `bound` seconds.

    Trailing checksums are off: several hosts refuse them. Addressing and the budget of requests are as on the data path.
    """
    boto3, config = needed("boto3"), needed("botocore.config")
    session = credentials.session or boto3.session.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
    )
    connect = min(5.0, bound / 4)
    proxy = credentials.transport.proxy
    made = session.client(
        "s3",
        endpoint_url=credentials.endpoint,
        region_name=credentials.region,
        verify=credentials.transport.ca_bundle,
        config=config.Config(
            s3={"addressing_style": rules.contract.addressing, "payload_signing_enabled": True},
            signature_version="s3v4",
            connect_timeout=connect,
            read_timeout=bound - connect - pace.longest,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=CONNECTIONS,
            # No proxies are said as {}: None would mean the environment's.
            proxies={"http": proxy, "https": proxy} if proxy else {},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
        ),
    )
    made.meta.events.register("before-send.s3", partial(_paced, pace))
    return made


def _paced(pace: Pace, request: Any, **_: object) -> None:
    """Wait for a request's turn, and let botocore send it. Raises: Throttled (there is none soon)."""
    pace("send a request", "", reads=request.method in ("GET", "HEAD"))


@contextmanager
def errors(operation: str, key: str, url: str) -> Iterator[None]:
    """Translate what botocore raises inside."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, SSLError

    try:
        yield
    except ClientError as error:
        raise client_error(error, operation, key, url) from None
    except ParamValidationError:
        raise InvalidKey(f"{describe(operation, key, url)}: the client cannot express the request") from None
    except BotoCoreError as error:
        if isinstance(error, SSLError) and any(mark in str(error) for mark in _UNTRUSTED):
            raise ConfigurationError(
                f"{describe(operation, key, url)}: the host's certificate is not trusted: "
                "name a file with its authority (CA_BUNDLE, after the prefix of the store's credentials)"
            ) from None
        raise no_answer(type(error).__name__, operation=operation, key=key, url=url) from None


def client_error(error: Any, operation: str, key: str, url: str) -> Exception:
    """Translate a `botocore.exceptions.ClientError`."""
    answer = error.response.get("ResponseMetadata", {})
    code = str(error.response.get("Error", {}).get("Code", ""))
    return refusal(
        int(answer.get("HTTPStatusCode", 0)),
        # HEAD answers have no body: botocore then puts the status where the code would be.
        "" if code.isdigit() else code,
        operation=operation,
        key=key,
        url=url,
        retry_after=read_retry_after(answer.get("HTTPHeaders", {}).get("retry-after")),
    )
