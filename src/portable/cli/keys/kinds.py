"""The kinds of recipients that can be added, and the words that describe one of each."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from portable.errors import ConfigurationError
from portable.keys.custody import CustodyRecipient
from portable.keys.identity_file import IdentityFileRecipient
from portable.keys.passphrase import PassphraseRecipient
from portable.keys.pkcs11 import Pkcs11Recipient
from portable.keys.pkcs11_edge import Pkcs11Access, TokenKey
from portable.keys.recipient import Recipient
from portable.keys.transit import TransitRecipient
from portable.keys.transit_edge import TransitAccess

NewPassphrase = Callable[[], PassphraseRecipient]


class Kind(NamedTuple):
    """One kind of recipient."""

    words: str
    """What is written after the kind."""
    fewest: int
    most: int
    make: Callable[[Sequence[str], NewPassphrase], Recipient]


def _custody(words: Sequence[str]) -> CustodyRecipient:
    if not words[0].isascii() or not words[0].isdigit():
        raise ConfigurationError(f"{words[0]!r} is not a number of officers: write custody M FILE FILE...")
    officers = [IdentityFileRecipient.read(Path(word)).public_key for word in words[1:]]
    return CustodyRecipient(officers, int(words[0]))


def _transit(words: Sequence[str]) -> TransitRecipient:
    mount, _, name = words[0].rpartition("/")
    namespace = words[1] if len(words) > 1 else None
    return TransitRecipient(TransitAccess.from_environment(os.environ), name, mount=mount or "transit", namespace=namespace)


def _pkcs11(words: Sequence[str]) -> Pkcs11Recipient:
    try:
        identifier = bytes.fromhex(words[2]) if len(words) > 2 else None
    except ValueError:
        raise ConfigurationError(f"{words[2]!r} is not the id of a key: write hexadecimal digits") from None
    key = TokenKey(token=words[0], label=words[1], id=identifier)
    return Pkcs11Recipient(Pkcs11Access.from_environment(os.environ), key)


KINDS: Final[dict[str, Kind]] = {
    "passphrase": Kind("", 0, 0, lambda _, new: new()),
    "identity-file": Kind("FILE", 1, 1, lambda words, _: IdentityFileRecipient.read(Path(words[0]))),
    "custody": Kind("M FILE FILE...", 3, 6, lambda words, _: _custody(words)),
    "transit": Kind("[MOUNT/]KEY [NAMESPACE]", 1, 2, lambda words, _: _transit(words)),
    "pkcs11": Kind("TOKEN LABEL [ID]", 2, 3, lambda words, _: _pkcs11(words)),
}


def recipient_of(kind: str, words: Sequence[str], new_passphrase: NewPassphrase) -> Recipient:
    """Return the recipient that the words of the command describe. Raises: ConfigurationError, KeysError."""
    found = KINDS.get(kind)
    if found is None:
        raise ConfigurationError(f"{kind!r} is no kind of recipient: choose {', '.join(KINDS)}")
    if not found.fewest <= len(words) <= found.most:
        raise ConfigurationError(f"a recipient of this kind is written: {kind} {found.words}".rstrip())
    return found.make(words, new_passphrase)
