"""Edits to signed documents, as an attacker who holds the file makes them."""

import base64
import json
from collections.abc import Callable
from typing import Any


def edited(document: bytes, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """Return the document after `edit` has changed its parsed JSON."""
    content = json.loads(document)
    edit(content)
    return json.dumps(content).encode()


def payload_of(document: bytes) -> dict[str, Any]:
    """Return the parsed payload."""
    content: dict[str, Any] = json.loads(base64.b64decode(json.loads(document)["payload"]))
    return content


def with_payload(edit: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Make an edit of the payload, which leaves the signatures as they are."""

    def apply(content: dict[str, Any]) -> None:
        payload = json.loads(base64.b64decode(content["payload"]))
        edit(payload)
        content["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()

    return apply


def flipped(encoded: str, bit: int = 0) -> str:
    """Flip one bit of a base64 value."""
    data = bytearray(base64.b64decode(encoded))
    data[bit // 8] ^= 1 << bit % 8
    return base64.b64encode(data).decode()
