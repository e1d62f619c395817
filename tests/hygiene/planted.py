"""Secrets that can be recognised wherever they turn up, in every spelling that a log, a report or a file might give them."""

import base64
import gc
import types
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field

from portable.keys.keyring import UnlockedKeyring
from portable.keys.volume_keys import VolumeKeys

SHORTEST = 8
"""Bytes: a shorter value would be found by chance."""


def spellings(secret: bytes) -> set[bytes]:
    """Return the forms in which a secret might be written, as bytes of UTF-8 text or as they are."""
    encoded = {base64.b64encode(secret), base64.urlsafe_b64encode(secret), base64.b32encode(secret)}
    forms = {secret, secret.hex().encode(), secret.hex().upper().encode(), repr(secret)[2:-1].encode(), *encoded}
    forms |= {form.rstrip(b"=") for form in encoded} | {b", ".join(str(byte).encode() for byte in secret)}
    return forms | {urllib.parse.quote(form, safe=safe).encode() for form in (secret, *encoded) for safe in ("", "/")}


@dataclass
class Planted:
    """Named secrets, and the search for them."""

    secrets: dict[str, bytes] = field(default_factory=dict)

    def plant(self, name: str, secret: bytes | str) -> None:
        value = secret.encode() if isinstance(secret, str) else bytes(secret)
        assert len(value) >= SHORTEST
        self.secrets[name] = value

    def plant_volume(self, keys: VolumeKeys) -> None:
        """Plant everything that opens the volume or a part of it."""
        self.plant(f"secret of {keys.name}", keys.record.secret)
        for epoch in keys.epochs:
            self.plant(f"epoch key of {keys.name}", epoch.key)
        for name in ("context_key", "digest_key", "names_key"):
            self.plant(f"{name} of {keys.name}", getattr(keys, name))

    def plant_keyring(self, keyring: UnlockedKeyring) -> None:
        """Plant the root key and what it opens."""
        self.plant("root key", keyring._root)
        for keys in keyring.volumes:
            self.plant_volume(keys)

    def found_in(self, text: bytes | str) -> set[str]:
        """Return the names of the secrets that the text shows, in any spelling."""
        data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
        return {name for name, secret in self.secrets.items() if any(form in data for form in spellings(secret))}


def reachable(*roots: object) -> Iterator[object]:
    """Yield every object of the package that the roots lead to, through whatever holds it."""
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    while waiting:
        found = waiting.pop()
        code = isinstance(found, type | types.ModuleType | types.FunctionType | types.BuiltinFunctionType | types.CodeType)
        if id(found) in seen or code:
            continue
        seen.add(id(found))
        if type(found).__module__.partition(".")[0] in ("portable", "migrate"):
            yield found
        waiting.extend(gc.get_referents(found))
        waiting.extend(_slots(found))


def _slots(found: object) -> Iterator[object]:
    """Yield what an object keeps where the collector does not look (structs without collection)."""
    for name in getattr(type(found), "__struct_fields__", ()):
        yield getattr(found, name)
