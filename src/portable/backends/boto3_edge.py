"""The S3 backend's boto3: clients within a bound of time, and botocore's errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from portable.backends.answers import describe, no_answer, refusal
from portable.backends.credentials import S3Credentials
from portable.backends.extras import needed
from portable.backends.protocol import ANY, Expectation
from portable.errors import InvalidKey

CONNECTIONS = 64


def client(credentials: S3Credentials, *, bound: float, attempts: int) -> Any:
    """Return a boto3 S3 client for which `attempts` requests, each as slow as it may be, end within `bound` seconds.

    Trailing checksums are off: several hosts refuse them. Addressing is by path, as for obstore.
    """
    boto3, config = needed("boto3"), needed("botocore.config")
    session = credentials.session or boto3.session.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
    )
    pauses = 1.0 * (attempts - 1)
    share = max(bound - pauses, bound / 2) / attempts
    connect = min(5.0, share / 4)
    return session.client(
        "s3",
        endpoint_url=credentials.endpoint,
        region_name=credentials.region,
        config=config.Config(
            s3={"addressing_style": "path", "payload_signing_enabled": True},
            signature_version="s3v4",
            connect_timeout=connect,
            read_timeout=share - connect,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=CONNECTIONS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
        ),
    )


def sender(*, bound: float) -> Any:
    """Return a plain HTTP session for requests signed in advance, with botocore's proxies and certificates."""
    session, proxies = needed("botocore.httpsession"), needed("botocore.utils").get_environ_proxies
    connect = min(5.0, bound / 4)
    return session.URLLib3Session(
        timeout=(connect, bound - connect), max_pool_connections=CONNECTIONS, proxies=proxies("http://")
    )


@contextmanager
def errors(operation: str, key: str, url: str, expect: Expectation = ANY) -> Iterator[None]:
    """Translate what botocore raises inside."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        raise client_error(error, operation, key, url, expect) from None
    except ParamValidationError:
        raise InvalidKey(f"{describe(operation, key, url)}: the client cannot express the request") from None
    except BotoCoreError as error:
        raise no_answer(type(error).__name__, operation=operation, key=key, url=url) from None


def client_error(error: Any, operation: str, key: str, url: str, expect: Expectation = ANY) -> Exception:
    """Translate a `botocore.exceptions.ClientError`."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(error.response.get("Error", {}).get("Code", ""))
    # HEAD answers have no body: botocore then puts the status where the code would be.
    return refusal(status, "" if code.isdigit() else code, operation=operation, key=key, url=url, expect=expect)
