"""Every use of AES-256-GCM in the process, recorded where the package calls the library."""

import importlib
import pkgutil
import threading
from collections import Counter
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import migrate
import portable
from portable.keys.volume_keys import VolumeKeys

HEADER_IV = bytes(12)


@dataclass(frozen=True)
class Use:
    """One encryption: the key, the IV, and what was encrypted with which associated data."""

    key: bytes
    iv: bytes
    plaintext: bytes
    aad: bytes


@dataclass
class Ledger:
    """The encryptions, in order of the calls. A failed one counts: its output may have been seen."""

    uses: list[Use] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, key: bytes, iv: object, plaintext: object, aad: object) -> None:
        use = Use(key, bytes(iv), bytes(plaintext), bytes(aad or b""))
        with self._lock:
            self.uses.append(use)

    def repeated(self) -> list[tuple[bytes, bytes]]:
        """Return the pairs of key and IV that were used more than once."""
        return [pair for pair, count in Counter((use.key, use.iv) for use in self.uses).items() if count > 1]

    def headers(self) -> Counter[bytes]:
        """Count the headers that each content key authenticated."""
        return Counter(use.key for use in self.uses if use.iv == HEADER_IV)


def record(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Put a recording AES-GCM in the place of the library's, in every module of the package that has it."""
    ledger = Ledger()

    class Recorded:
        def __init__(self, key) -> None:
            self._key, self._aead = bytes(key), AESGCM(key)

        def encrypt(self, iv, data, aad):
            ledger.note(self._key, iv, data, aad)
            return self._aead.encrypt(iv, data, aad)

        def encrypt_into(self, iv, data, aad, out):
            ledger.note(self._key, iv, data, aad)
            return self._aead.encrypt_into(iv, data, aad, out)

        def decrypt(self, iv, data, aad):
            return self._aead.decrypt(iv, data, aad)

        def decrypt_into(self, iv, data, aad, out):
            return self._aead.decrypt_into(iv, data, aad, out)

    # A cipher that was made before, and kept, would not be recorded.
    monkeypatch.setattr(VolumeKeys, "wrapping_cipher_for", VolumeKeys.wrapping_key_for)
    for package in (portable, migrate):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                module = importlib.import_module(found.name)
                if getattr(module, "AESGCM", None) is AESGCM:
                    monkeypatch.setattr(module, "AESGCM", Recorded)
    return ledger
