"""The edge to PKCS#11 tokens (HSMs, smart cards), through python-pkcs11, whose exceptions end here.

Sources: PKCS#11 v2.40, sections 5.6 (sessions) and 6.10 (HMAC); C_Login for what a wrong PIN does.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from msgspec import Meta, Struct

from portable.errors import ConfigurationError, Denied, PortableError, Unavailable, UnlockFailed
from portable.keys.passphrase import passphrase_from
from portable.keys.secrecy import KeepsSecrets

if TYPE_CHECKING:
    from pkcs11 import Session, Token

MODULE_VARIABLE: Final = "PORTABLE_PKCS11_MODULE"
PIN_VARIABLE: Final = "PORTABLE_PKCS11_PIN"

_ONE_SESSION: Final = threading.Lock()
"""A login holds for all sessions of a process: two at once see each other's, and some tokens then call a right PIN wrong."""

_REFUSED: Final[set[tuple[Path, str, str]]] = set()
"""Libraries, tokens and PINs that were refused in this process: none is tried again, whoever asks."""

_LOGIN_REFUSALS: Final = {
    "PinIncorrect": "refuses the PIN, which is not sent again: a few wrong ones lock a token",
    "PinInvalid": "refuses the PIN, which is not sent again: a few wrong ones lock a token",
    "PinLenRange": "refuses the PIN for its length",
    "PinExpired": "wants a new PIN: this one has expired",
    "PinLocked": "is locked after wrong PINs: its security officer unlocks it",
    "UserPinNotInitialized": "has no user PIN yet",
}
_TEMPLATE_BITS: Final = "EXTRACTABLE", "SENSITIVE"


class TokenKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Names a secret key in a token: the token's label, the key's label (CKA_LABEL) and, where that is not enough, its id."""

    token: Annotated[str, Meta(min_length=1, max_length=32)]
    label: Annotated[str, Meta(min_length=1, max_length=128)]
    id: Annotated[bytes, Meta(min_length=1, max_length=64)] | None = None

    def __str__(self) -> str:
        return f"key {self.label!r} in token {self.token!r}"


class Pkcs11Access(KeepsSecrets):
    """The token's library (an absolute path) and the user's PIN.

    **No other library is loaded**: the path in a protector is only shown, because whoever writes a keyring could otherwise run
    code where it is opened.
    """

    __slots__ = ("_pin", "module")

    def __init__(self, module: Path | None, pin: str | None) -> None:
        self.module = module
        self._pin = pin

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Take the library from PORTABLE_PKCS11_MODULE, and the PIN from PORTABLE_PKCS11_PIN or the file in ..._PIN_FILE.

        Raises: ConfigurationError (an empty PIN, or a file that cannot be read).
        """
        module = environ.get(MODULE_VARIABLE)
        return cls(Path(module) if module else None, passphrase_from(environ, variable=PIN_VARIABLE))

    @contextlib.contextmanager
    def key(self, name: TokenKey) -> Iterator["HmacKey"]:
        """Log in, give the key, and log out. One at a time in a process.

        Raises: ConfigurationError (the library, two tokens or two keys of that name), Denied (the PIN), UnlockFailed (no such
        token or key), Unavailable (the token does not answer).
        """
        if self.module is None:
            raise ConfigurationError(f"set {MODULE_VARIABLE} to the library of your token")
        if self._pin is None:
            raise Denied(f"token {name.token!r} wants a PIN: set {PIN_VARIABLE}, or {PIN_VARIABLE}_FILE")
        with _ONE_SESSION, _translated(name):
            token = _token(self.module, name)
            with _log_in(token, (self.module, name.token, self._pin)) as session:
                yield HmacKey(_find(session, name), name)


class HmacKey:
    """A generic secret key in a token that a session is open with."""

    def __init__(self, key: Any, name: TokenKey) -> None:
        self._key, self._name = key, name

    def hmac_sha256(self, message: bytes) -> bytes:
        """Return HMAC-SHA256 of the message, 32 bytes, computed in the token."""
        return bytes(self._key.sign(message, mechanism=_pkcs11().Mechanism.SHA256_HMAC))

    def require_locked_in(self) -> None:
        """Check that the token never gives the key away. Raises: ConfigurationError."""
        extractable, sensitive = (self._key[getattr(_pkcs11().Attribute, name)] for name in _TEMPLATE_BITS)
        if extractable or not sensitive:
            raise ConfigurationError(f"the {self._name} can be taken out of it: make one that is sensitive and not extractable")


def _token(module: Path, name: TokenKey) -> "Token":
    pkcs11 = _pkcs11()
    if not module.is_absolute() or not module.is_file():
        raise ConfigurationError(f"{module} is not the absolute path of a PKCS#11 library")
    try:
        library = pkcs11.lib(str(module))
    except pkcs11.PKCS11Error:
        raise ConfigurationError(f"{module} cannot be loaded as a PKCS#11 library") from None
    try:
        token: Token = library.get_token(token_label=name.token)
    except pkcs11.NoSuchToken:
        raise UnlockFailed(f"no token {name.token!r} is present in {module}: plug it in, and start again") from None
    except pkcs11.MultipleTokensReturned:
        raise ConfigurationError(f"two tokens are called {name.token!r}: leave one of them in") from None
    return token


def _log_in(token: "Token", login: tuple[Path, str, str]) -> "Session":
    _, label, pin = login
    if login in _REFUSED:
        raise Denied(f"token {label!r} {_LOGIN_REFUSALS['PinIncorrect']}")
    try:
        return token.open(user_pin=pin)
    except _pkcs11().PKCS11Error as error:
        refusal = _LOGIN_REFUSALS.get(type(error).__name__)
        if refusal is None:
            raise
        _REFUSED.add(login)
        raise Denied(f"token {label!r} {refusal}") from None


@contextlib.contextmanager
def _translated(name: TokenKey) -> Iterator[None]:
    pkcs11 = _pkcs11()
    try:
        yield
    except pkcs11.PKCS11Error as error:
        raise _failed(name, error) from None


def _failed(name: TokenKey, error: Exception) -> PortableError:
    kind = type(error).__name__
    if kind in {"KeyTypeInconsistent", "KeyFunctionNotPermitted", "MechanismInvalid", "KeySizeRange"}:
        return ConfigurationError(
            f"the {name} cannot make HMAC-SHA256 ({kind}): make a generic secret of 256 bits that may sign"
        )
    if kind == "UserAlreadyLoggedIn":
        return Unavailable(f"this process has another session with token {name.token!r}: end it first")
    return Unavailable(f"token {name.token!r} failed ({kind})")


def _find(session: "Session", name: TokenKey) -> Any:
    attribute = _pkcs11().Attribute
    template = {attribute.CLASS: _pkcs11().ObjectClass.SECRET_KEY, attribute.LABEL: name.label}
    if name.id is not None:
        template[attribute.ID] = name.id
    # Read to its end: `get_key` leaves a search open where it finds two, which then fails behind the end of the session.
    found = list(session.get_objects(template))
    if not found:
        raise UnlockFailed(f"there is no {name}: it was deleted, or made in another token")
    if len(found) > 1:
        raise ConfigurationError(f"there are several keys with the label of {name}: give the id too")
    return found[0]


def _pkcs11() -> Any:
    try:
        import pkcs11
    except ImportError:
        raise ConfigurationError("python-pkcs11 is not installed: pip install 'portable-storage[hsm]'") from None
    return pkcs11
