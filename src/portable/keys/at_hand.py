"""The identities that a job or a person has at hand: a passphrase, identity files, a service, a token."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from portable.errors import UnlockFailed
from portable.keys.custody import CustodyIdentity
from portable.keys.identity_file import IdentityFile
from portable.keys.passphrase import VARIABLE, PassphraseIdentity, PassphraseProtector, passphrase_from
from portable.keys.pkcs11 import Pkcs11Identity
from portable.keys.pkcs11_edge import MODULE_VARIABLE, Pkcs11Access
from portable.keys.recipient import Identity, Protector
from portable.keys.secrecy import KeepsSecrets
from portable.keys.transit import TransitIdentity
from portable.keys.transit_edge import TransitAccess

IDENTITY_VARIABLE: Final = "PORTABLE_IDENTITY"
"""Names an identity file, or several with `:` between them: officers who open together."""

_NAMING: Final = (VARIABLE, f"{VARIABLE}_FILE", IDENTITY_VARIABLE, "BAO_ADDR", "VAULT_ADDR", MODULE_VARIABLE)


class AnyOf(KeepsSecrets):
    """Several identities, tried in order: the first that opens a protector does."""

    __slots__ = ("_identities",)

    def __init__(self, identities: Sequence[Identity]) -> None:
        self._identities = tuple(identities)

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:
        """Return the seed; None where none is of the protector's kind. Raises: UnlockFailed, and what the identities raise."""
        refusals: list[str] = []
        for identity in self._identities:
            try:
                seed = identity.seed(protector, binding)
            except UnlockFailed as error:
                refusals.append(str(error))
                continue
            if seed is not None:
                return seed
        if refusals:
            raise UnlockFailed("; ".join(refusals))
        return None


def identity_files(environ: Mapping[str, str], files: Sequence[Path] = ()) -> list[Identity]:
    """Return the identities in these files, or else in those that the environment names (PORTABLE_IDENTITY).

    Each opens what was wrapped to it; several also open what their owners hold in custody together. Raises: ConfigurationError
    and KeysError (a file that cannot be read, that others than its owner may use, or that is no identity file).
    """
    named = [Path(name) for name in environ.get(IDENTITY_VARIABLE, "").split(os.pathsep) if name]
    read = [IdentityFile.read(path) for path in files or named]
    return [*read, CustodyIdentity(read)] if read else []


def service_identities(environ: Mapping[str, str]) -> list[Identity]:
    """Return the identities behind a service or a token that the environment gives access to. Nothing is asked of them yet."""
    return [TransitIdentity(TransitAccess.from_environment(environ)), Pkcs11Identity(Pkcs11Access.from_environment(environ))]


def somebody_at_hand(environ: Mapping[str, str]) -> bool:
    """Tell whether the environment names anyone; whether that opens a keyring is not asked."""
    return any(environ.get(variable) for variable in _NAMING)


def identity_at_hand(environ: Mapping[str, str]) -> Identity:
    """Return whoever the environment says this process is: by a passphrase, an identity file, a service or a token.

    Raises: ConfigurationError and KeysError (what the environment names cannot be read).
    """
    word = passphrase_from(environ)
    known: Identity = _NoPassphrase() if word is None else PassphraseIdentity(word)
    return AnyOf([known, *identity_files(environ), *service_identities(environ)])


class _NoPassphrase:
    """Says what is missing where a passphrase is asked for."""

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:  # noqa: ARG002  # see `Identity.seed`
        if isinstance(protector, PassphraseProtector):
            raise UnlockFailed(f"no passphrase is given: set {VARIABLE} or {VARIABLE}_FILE")
        return None
