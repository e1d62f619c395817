"""The Azure SDK, for what is rare: a client that sends each request once, and azure-core's errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from portable.backends.answers import describe, no_answer, read_retry_after, refusal
from portable.backends.credentials import AzureCredentials
from portable.backends.extras import needed
from portable.backends.protocol import ANY, Expectation
from portable.errors import ConfigurationError, Denied, PortableError


def container_client(container: str, credentials: AzureCredentials, *, bound: float) -> Any:
    """Return a `ContainerClient` whose requests are sent once and given up after `bound` seconds without a byte."""
    blob, core = needed("azure.storage.blob"), needed("azure.core.credentials")
    credential: Any = credentials.identity
    if credentials.key:
        credential = {"account_name": credentials.account, "account_key": credentials.key}
    elif credentials.sas:
        credential = core.AzureSasCredential(credentials.sas)
    connect, proxy = min(5.0, bound / 4), credentials.transport.proxy
    return blob.ContainerClient(
        credentials.endpoint,
        container,
        credential=credential,
        retry_policy=blob.LinearRetry(retry_total=0),
        connection_timeout=connect,
        read_timeout=bound - connect,
        connection_verify=credentials.transport.ca_bundle or True,
        proxies={"http": proxy, "https": proxy} if proxy else {},
        use_env_settings=False,
    )


@contextmanager
def errors(operation: str, key: str, url: str, expect: Expectation = ANY) -> Iterator[None]:
    """Translate what the SDK raises inside."""
    from azure.core.exceptions import AzureError

    try:
        yield
    except PortableError:
        raise
    except AzureError as error:
        raise translated(error, operation, key, url, expect) from None
    except ValueError as error:  # what the SDK says of arguments, before it sends anything
        raise ConfigurationError(
            f"{describe(operation, key, url)}: the client cannot express it ({type(error).__name__})"
        ) from None


def translated(error: Any, operation: str, key: str, url: str, expect: Expectation = ANY) -> PortableError:
    """Return the error for an `azure.core.exceptions.AzureError`."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    if isinstance(error, HttpResponseError) and error.status_code:
        code = getattr(error, "error_code", None) or ""
        headers: Any = getattr(error.response, "headers", None) or {}
        return refusal(
            error.status_code,
            str(getattr(code, "value", code)),
            operation=operation,
            key=key,
            url=url,
            expect=expect,
            retry_after=read_retry_after(headers.get("Retry-After")),
        )
    if isinstance(error, ClientAuthenticationError):
        return Denied(f"{describe(operation, key, url)}: no credentials that could be used were found")
    return no_answer(type(error).__name__, operation=operation, key=key, url=url)
