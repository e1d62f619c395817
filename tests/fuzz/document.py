"""Signed documents, whose signatures nobody but the authority can make again: no edit of the envelope may pass."""

import json
from typing import Any, Final

from portable.errors import PortableError
from portable.keys.authority import Authority
from portable.keys.signed import sign, verify
from tests.fuzz.script import Script, edited, edited_json

FIRST_CHECK: Final = "the envelope parses, so that the signatures are compared"
SEEDS: Final = (b"", bytes([1, 200, 0, 200, 1, 1]), bytes([2, 33, 200, 129, 0, 1]))

_AUTHORITY: Final = Authority(bytes(32))
_PAYLOAD: Final = b'{"answer": 42}'
_DOCUMENT: Final = sign(_PAYLOAD, _AUTHORITY, "keyring")
_PARSED: Final[dict[str, Any]] = json.loads(_DOCUMENT)


def run(data: bytes) -> bool:
    script = Script(data)
    content: Any = _PARSED
    for _ in range(max(0, script.byte() % 8 - 5)):
        content = edited_json(content, script)
    document = json.dumps(content).encode(errors="surrogatepass")
    if script.byte() >= 248:
        document = edited(document, script)
    try:
        payload, authority = verify(document, "keyring")
    except PortableError as error:
        return "not a signed" not in str(error) and "version" not in str(error)
    assert payload == _PAYLOAD
    assert authority == _AUTHORITY.public
    return True
