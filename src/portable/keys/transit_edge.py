"""The edge to OpenBao and HashiCorp Vault: the Transit engine, through hvac, whose exceptions end here.

What a server or a proxy answers is never quoted in an error: a request to encrypt carries a seed in clear, and some echo it.
"""

import base64
import binascii
import contextlib
import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from portable.errors import ConfigurationError, Denied, KeysError, PortableError, Unavailable
from portable.keys.secrecy import KeepsSecrets

TIMEOUT_SECONDS: Final = 10.0

_NOT_THE_SERVICE: Final = "something else than the Transit service answered, or a redirect: set VAULT_ADDR to the active node"
_OUT_OF_SERVICE: Final = {
    "VaultNotInitialized": "is not initialised: bao operator init",
    "RateLimitExceeded": "asks for fewer requests",
    "BadGateway": "is not reached by the proxy before it",
    "InternalServerError": "failed inside",
}
_REFUSALS: Final = (
    ("encryption key not found", "it does not exist there: it was deleted, or never made"),
    ("message authentication failed", "it did not make this ciphertext for this place: another key, or altered, or moved here"),
    ("version is disallowed by policy", "its version that wrapped the seed is revoked (min_decryption_version)"),
    ("version is too new", "the ciphertext names a version that it does not have: restored from an old backup, or altered"),
    ("non-AEAD cipher", "it is not of an AEAD type: make one of type aes256-gcm96"),
    ("key derivation", "it needs a derivation context for each request: make one without `derived`"),
)


class TransitAccess(KeepsSecrets):
    """Where the service is, and how to log in there: with a token, or by AppRole.

    **A token goes to this address and to no other**: the address in a protector is only shown, because whoever writes a keyring
    could otherwise collect the tokens of those who open it. Nothing is checked before a Transit protector is opened, since the
    environment may name a service that no keyring needs.
    """

    __slots__ = ("_role_id", "_secret_id", "_token", "address", "ca_file", "timeout")

    def __init__(
        self,
        address: str | None,
        *,
        token: str | None = None,
        role_id: str | None = None,
        secret_id: str | None = None,
        ca_file: Path | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.address = address.rstrip("/") if address else None
        self.ca_file = ca_file
        self.timeout = timeout
        self._token, self._role_id, self._secret_id = token, role_id, secret_id

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Take address and login from `BAO_...` or else `VAULT_...`: `ADDR`, `TOKEN`, `ROLE_ID` and `SECRET_ID`, `CACERT`."""

        def variable(name: str) -> str | None:
            return environ.get(f"BAO_{name}", "").strip() or environ.get(f"VAULT_{name}", "").strip() or None

        ca_file = variable("CACERT")
        return cls(
            variable("ADDR"),
            token=variable("TOKEN"),
            role_id=variable("ROLE_ID"),
            secret_id=variable("SECRET_ID"),
            ca_file=Path(ca_file) if ca_file else None,
        )

    @contextlib.contextmanager
    def client(self, namespace: str | None) -> Iterator[Any]:
        """Give an hvac client that is logged in.

        Raises: ConfigurationError (hvac, the address or the CA file is missing, or the address is unfit), Denied (no token, or
        AppRole refused the login), Unavailable.
        """
        if self.address is None:
            raise ConfigurationError("set VAULT_ADDR to the address of your Transit service")
        _check_address(self.address)
        if self.ca_file is not None and not self.ca_file.is_file():
            raise ConfigurationError(f"there is no file of CA certificates at {self.ca_file}")
        if not self._token and not (self._role_id and self._secret_id):
            raise Denied(f"no token for {self.address}: set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID")
        client = _hvac().Client(
            url=self.address,
            token=self._token or "",  # None makes hvac look for a token of its own, in ~/.vault-token too
            verify=str(self.ca_file) if self.ca_file else True,
            timeout=self.timeout,
            allow_redirects=False,  # a redirect would carry the token to another address
            namespace=namespace,
        )
        try:
            if not self._token:
                self._log_in(client)
            yield client
        finally:
            client.adapter.close()

    def _log_in(self, client: Any) -> None:
        with translated(client, f"AppRole at {self.address}", Denied, "the role id or the secret id is wrong or used up"):
            answer = client.auth.approle.login(self._role_id, self._secret_id, use_token=False)
            client.token = field(answer, "auth", "client_token")


@contextlib.contextmanager
def translated(client: Any, what: str, refused: type[PortableError], otherwise: str | None = None) -> Iterator[None]:
    """Turn what hvac and requests raise into our errors; `refused` is raised where the request itself is refused.

    `what` names the key (or login) at its address; `otherwise` is the reason where the answer has none that is known.
    """
    from requests.exceptions import RequestException, SSLError

    try:
        yield
    except SSLError:
        raise ConfigurationError(
            f"{what}: no trusted TLS connection; set VAULT_CACERT to the service's CA certificate"
        ) from None
    except RequestException:
        raise Unavailable(f"{what}: no answer in time; the service is down, or not to be reached from here") from None
    except _hvac().exceptions.VaultError as error:
        raise _translate(client, error, what, refused, otherwise) from None
    except (AttributeError, TypeError):
        # What hvac itself fails with where an error answer is JSON of another shape than the service's.
        raise Unavailable(f"{what}: {_NOT_THE_SERVICE}") from None


def field(answer: Any, *names: str) -> str:
    """Return a string inside of an answer. Raises: Unavailable (what answered is not the service)."""
    for name in names:
        answer = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(answer, str):
        raise Unavailable(_NOT_THE_SERVICE)
    return answer


def encoded(data: bytes) -> str:
    """Return bytes as the service takes them."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes:
    """Return bytes as the service gives them. Raises: KeysError, without the text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeysError("the Transit service answered with something else than base64") from None


def _translate(client: Any, error: Any, what: str, refused: type[PortableError], otherwise: str | None) -> PortableError:
    kind = type(error).__name__
    text = " ".join(map(str, error.errors or ()))
    if kind in {"Forbidden", "Unauthorized"}:
        return Denied(f"{what}: {_why_denied(client)}")
    if kind == "VaultDown":
        return Unavailable(f"{what}: the service is {'sealed: bao operator unseal' if 'sealed' in text else 'down'}")
    if kind == "InvalidPath":
        return refused(f"{what}: there is no such Transit engine, key or namespace")
    if kind == "InvalidRequest":
        known = next((reason for part, reason in _REFUSALS if part in text), None)
        return refused(f"{what}: {known or otherwise or 'the service refused the request'}")
    return Unavailable(f"{what}: the service {_OUT_OF_SERVICE.get(kind, 'gave an answer that is not known')}")


def _why_denied(client: Any) -> str:
    # Both refusals look the same; a token that lives may look itself up, by the policy `default`.
    from requests.exceptions import RequestException

    try:
        client.auth.token.lookup_self()
    except (_hvac().exceptions.VaultError, RequestException):
        return "the token is expired, revoked or unknown there, or has neither the policy `default` nor one for this"
    return "the token is valid, but no policy of it allows this"


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigurationError("the address of a Transit service has the form https://HOST:PORT, without a login in it")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            f"{address} would carry the token and the seed in clear: https, or http to this machine itself"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _hvac() -> Any:
    try:
        import hvac
    except ImportError:
        raise ConfigurationError("hvac is not installed: pip install 'portable-storage[vault]'") from None
    return hvac
