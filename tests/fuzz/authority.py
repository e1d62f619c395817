"""The authority's file, as a client reads it to learn the public keys."""

import json
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import msgspec

from portable.errors import PortableError
from portable.keys import authority
from portable.keys.passphrase import Argon2Parameters, PassphraseProtector
from tests.fuzz.script import Script, edited, edited_json

FIRST_CHECK: Final = "the file parses"
SEEDS: Final = (b"", bytes([1, 200, 200, 200, 1]))

_PUBLIC: Final = authority.Authority(bytes(32)).public
_SOUND: Final[dict[str, Any]] = json.loads(
    msgspec.json.encode(
        authority._AuthorityFile(
            authority=_PUBLIC,
            protector=PassphraseProtector(
                argon2=Argon2Parameters(), salt=bytes(32), commitment=bytes(32), nonce=bytes(12), wrapped_seed=bytes(48)
            ),
        )
    )
)


class _WrongSeed:
    def seed(self, _: object, __: bytes) -> bytes | None:
        return b"\x01" * 32


def run(data: bytes) -> bool:
    script = Script(data)
    content: Any = _SOUND
    for _ in range(max(0, script.byte() % 8 - 5)):
        content = edited_json(content, script)
    document = json.dumps(content).encode(errors="surrogatepass")
    if script.byte() >= 248:
        document = edited(document, script)
    with patch.object(authority, "read_within", lambda *_: document):
        try:
            public = authority.AuthorityPublic.read(Path("authority.json"))
        except PortableError:
            return False
        if script.byte() >= 192:
            try:
                authority.Authority.load(Path("authority.json"), _WrongSeed())
            except PortableError:
                return True
            raise AssertionError("a seed opened an authority file of other public keys")
    assert len(public.fingerprint) == 71
    return True
