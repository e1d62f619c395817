"""Catalog entries that an authority signed. The signature's check is set aside: `document` is about that."""

import json
from typing import Any, Final
from unittest.mock import patch

import msgspec

from portable.catalog import entry
from portable.errors import PortableError
from portable.keys.authority import Authority
from tests.fuzz.script import Script, edited, edited_json

FIRST_CHECK: Final = "the entry parses, and names the volume and its signer"
SEEDS: Final = (b"", bytes([1, 200, 1, 1]), bytes([2, 64, 250, 3, 8, 2]))

_AUTHORITY: Final = Authority(bytes(32)).public
_SOUND: Final[dict[str, Any]] = json.loads(
    msgspec.json.encode(
        entry.Entry(
            name="lake",
            generation=3,
            write_id="0" * 32,
            previous="1" * 32,
            phase="frozen",
            home=entry.Home(url="az://lake", mode="clear", account="lake"),
            other=entry.Home(
                url="s3://lake-eu",
                mode="sealed",
                endpoint="https://s3.example",
                keyring="k.json",
                volume="lake",
                volume_id="0" * 32,
            ),
            lease=30.0,
            outstanding=30.0,
            max_frozen=600.0,
            way_back="{}",
            authority=_AUTHORITY.fingerprint,
        )
    )
)


def run(data: bytes) -> bool:
    script = Script(data)
    content: Any = _SOUND
    for _ in range(max(0, script.byte() % 8 - 5)):
        content = edited_json(content, script)
    document = json.dumps(content).encode(errors="surrogatepass")
    if script.byte() >= 248:
        document = edited(document, script)
    with patch.object(entry, "verify", lambda payload, *_: (payload, _AUTHORITY)):
        try:
            opened = entry.open_entry(document, "lake", _AUTHORITY.fingerprint)
        except PortableError:
            return False
        assert (opened.name, opened.authority) == ("lake", _AUTHORITY.fingerprint)
        assert entry.open_entry(msgspec.json.encode(opened), "lake", _AUTHORITY.fingerprint) == opened
    for home in filter(None, (opened.home, opened.other)):
        try:
            location = home.location
        except PortableError:
            continue
        assert location.url == home.url
    return True
