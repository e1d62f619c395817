"""What the errors of fsspec's filesystems mean: those of Python, and those of the libraries underneath by the status they show.

Filesystems raise what their libraries raise, or translate it to errors of Python and keep the library's as the cause. Their
words stay out of our messages: they repeat URLs, and those may carry signatures.
"""

from typing import Any, Final

from portable.backends.answers import describe, refusal
from portable.backends.os_errors import MEANINGS, Meaning
from portable.errors import Denied, InvalidKey, NotFound, PortableError, Unavailable, Unsupported

_MISSING_CREDENTIALS: Final[Meaning] = (Denied, "the filesystem finds no credentials that it can use")
_REFUSED: Final[Meaning] = (Unsupported, "the filesystem cannot do it")
_NAMES: Final[dict[str, Meaning]] = dict.fromkeys(
    (
        "NoCredentialsError",  # botocore
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "ClientAuthenticationError",  # azure-core, where no response came with it
        "CredentialUnavailableError",
        "DefaultCredentialsError",  # google-auth
        "RefreshError",
    ),
    _MISSING_CREDENTIALS,
)
_CLASSES: Final[tuple[tuple[type[Exception], Meaning], ...]] = (
    (FileNotFoundError, (NotFound, "nothing is there")),
    (PermissionError, (Denied, "the filesystem does not allow it")),
    (IsADirectoryError, (InvalidKey, "a folder stands there (`a` beside `a/b`)")),
    (NotADirectoryError, (InvalidKey, "a file stands where a folder would (`a` beside `a/b`)")),
    (FileExistsError, (InvalidKey, "a file stands where a folder would (`a` beside `a/b`)")),
    (TimeoutError, (Unavailable, "no answer within the bound")),
    (OSError, (Unavailable, "the filesystem failed")),
    (NotImplementedError, _REFUSED),
    (AttributeError, _REFUSED),
    (LookupError, _REFUSED),
    (TypeError, _REFUSED),
    (ValueError, _REFUSED),
)
"""The first that fits counts. No write asks for a condition, so FileExistsError tells of a file in the place of a folder."""


_LOOKS: Final = ("get", "stat", "delete")
"""Operations for which nothing stands below a file."""
_MUTATIONS: Final = ("put", "commit", "delete")


def translated(error: Exception, *, operation: str, key: str, url: str) -> PortableError:
    """Return our error for what a filesystem raised; a mutation's outcome is unknown after Unavailable."""
    for told in (error, error.__cause__):
        status, code = _answer(told)
        if status:
            return refusal(status, code, operation=operation, key=key, url=url)
    kind, meaning = _kind(error)
    if isinstance(error, NotADirectoryError) and operation in _LOOKS:
        kind, meaning = _CLASSES[0][1]
    elif kind is Unsupported and operation in _MUTATIONS and not isinstance(error, (NotImplementedError, OSError)):
        kind, meaning = Unavailable, "the filesystem failed, and may have written"
    return kind(f"{describe(operation, key, url)}: {meaning} ({type(error).__name__})")


def _kind(error: Exception) -> Meaning:
    named = _NAMES.get(type(error).__name__) or _NAMES.get(type(error.__cause__).__name__)
    if named is None and isinstance(error, OSError) and error.errno is not None:
        named = MEANINGS.get(error.errno)
    return named or next((kind for base, kind in _CLASSES if isinstance(error, base)), (Unavailable, "the filesystem failed"))


def _answer(error: Any) -> tuple[int, str]:
    """Return the HTTP status and the host's code that an error of a library carries; 0 where it carries none.

    botocore keeps both in `response`, azure-core in `status_code` and `error_code`, aiohttp has `status`, requests
    `response.status_code`, gcsfs `code`.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        code = str(response.get("Error", {}).get("Code", ""))
        return _status(response.get("ResponseMetadata", {}).get("HTTPStatusCode")), "" if code.isdigit() else code
    told = (getattr(error, "status_code", None), getattr(error, "status", None), getattr(response, "status_code", None))
    status = next((found for each in told if (found := _status(each))), 0) or _status(getattr(error, "code", None))
    told_code = getattr(error, "error_code", None)
    return status, str(getattr(told_code, "value", told_code) or "")


def _status(value: object) -> int:
    return value if isinstance(value, int) and 300 <= value < 600 else 0
