"""Errors of filesystems and of the libraries underneath, made ours."""

import errno
from types import SimpleNamespace

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from fsspec.exceptions import FSTimeoutError
from s3fs.errors import translate_boto_error

from portable.backends.fsspec_errors import translated
from portable.errors import Denied, InvalidKey, NotFound, PortableError, Throttled, Unavailable, Unsupported

SECRET = "https://host/?X-Amz-Signature=planted"


def boto(status: int, code: str) -> Exception:
    response = {"Error": {"Code": code, "Message": SECRET}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return translate_boto_error(ClientError(response, "PutObject"))  # type: ignore[no-any-return]  # s3fs has no types


def azure(status: int, code: str, kind: type[HttpResponseError] = HttpResponseError) -> Exception:
    error = kind(message=SECRET)
    error.status_code, error.error_code = status, code  # type: ignore[attr-defined]  # as azure-storage-blob does
    return error


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (boto(404, "NoSuchKey"), NotFound, "HTTP 404 NoSuchKey"),
        (boto(404, "NoSuchBucket"), NotFound, "bucket does not exist"),
        (boto(403, "403"), Denied, "HTTP 403"),
        (boto(403, "SignatureDoesNotMatch"), Denied, "SignatureDoesNotMatch"),
        (boto(503, "SlowDown"), Throttled, "SlowDown"),
        (boto(500, "InternalError"), Unavailable, "HTTP 500"),
        (boto(501, "NotImplemented"), Unsupported, "HTTP 501"),
        (azure(404, "ContainerNotFound"), NotFound, "container does not exist"),
        (azure(403, "AuthenticationFailed", ClientAuthenticationError), Denied, "HTTP 403"),
        (azure(409, "BlobArchived"), Unsupported, "archived"),
        (azure(503, "ServerBusy"), Throttled, "ServerBusy"),
        (SimpleNamespace(status=403), Denied, "HTTP 403"),
        (SimpleNamespace(response=SimpleNamespace(status_code=429)), Throttled, "HTTP 429"),
        (SimpleNamespace(code=404, message=SECRET), NotFound, "HTTP 404"),
    ],
    ids=str,
)
def test_an_http_status_means_what_it_means_everywhere(error: object, kind: type[PortableError], told: str) -> None:
    raised = error if isinstance(error, Exception) else _with(error)
    ours = translated(raised, operation="put", key="a/b", url="fsspec+s3://bucket")
    assert type(ours) is kind
    assert told in str(ours)
    assert "'a/b' in fsspec+s3://bucket" in str(ours)
    assert "planted" not in str(ours)


def _with(shape: object) -> Exception:
    error = Exception(SECRET)
    error.__dict__.update(vars(shape))
    return error


@pytest.mark.parametrize(
    ("error", "operation", "kind"),
    [
        (FileNotFoundError(SECRET), "get", NotFound),
        (PermissionError(SECRET), "get", Denied),
        (NoCredentialsError(), "get", Denied),
        (OSError(errno.EROFS, SECRET), "put", Denied),
        (OSError(errno.ENAMETOOLONG, SECRET), "put", InvalidKey),
        (OSError(errno.EXDEV, SECRET), "put", Unsupported),
        (OSError(errno.EINVAL, SECRET), "put", InvalidKey),
        (OSError(errno.EIO, SECRET), "put", Unavailable),
        (IsADirectoryError(SECRET), "put", InvalidKey),
        (FileExistsError(SECRET), "put", InvalidKey),
        (NotADirectoryError(SECRET), "put", InvalidKey),
        (NotADirectoryError(SECRET), "get", NotFound),
        (FSTimeoutError(SECRET), "put", Unavailable),
        (TimeoutError(SECRET), "get", Unavailable),
        (ConnectionResetError(SECRET), "put", Unavailable),
        (EndpointConnectionError(endpoint_url=SECRET), "get", Unavailable),
        (ServiceRequestError(SECRET), "get", Unavailable),
        (RuntimeError(SECRET), "put", Unavailable),
        (NotImplementedError(SECRET), "put", Unsupported),
        (TypeError(SECRET), "get", Unsupported),
        (ValueError(SECRET), "put", Unavailable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__ if isinstance(value, Exception) else str(value)),
)
def test_an_error_without_a_status_is_told_by_its_class(error: Exception, operation: str, kind: type[PortableError]) -> None:
    ours = translated(error, operation=operation, key="key", url="fsspec+x://y")
    assert type(ours) is kind
    assert type(error).__name__ in str(ours)
    assert "planted" not in str(ours)
