"""Identities: one that is quick the second time, and two that do not belong to the keyring or authority at hand."""

from portable.keys.passphrase import PassphraseIdentity
from portable.keys.recipient import Protector


class Remembering:
    """A passphrase identity that stretches its passphrase once for each protector and place."""

    def __init__(self, passphrase: str) -> None:
        self._identity = PassphraseIdentity(passphrase)
        self._seeds: dict[tuple[bytes, bytes], bytes | None] = {}

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:
        place = protector.wrapped_seed, binding
        if place not in self._seeds:
            self._seeds[place] = self._identity.seed(protector, binding)
        return self._seeds[place]


class OfAnotherKind:
    """Opens no protector that there is."""

    def seed(self, _: object, __: bytes) -> bytes | None:
        return None


class WithAnotherSeed:
    """Answers every protector with a seed that nobody was enrolled with."""

    def seed(self, _: object, __: bytes) -> bytes | None:
        return bytes(32)
