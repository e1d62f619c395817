"""A volume's objects as whoever left this project reads them: stored bytes and exported keys, with public SDKs."""

import json
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from examples.open_with_public_sdk import open_message
from portable import sealed
from portable.keys.export import export_volume_key
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import Metadata
from tests.interop import install
from tests.servers import programs

SCRIPT = Path(__file__).with_name("public_sdk.mjs")


def stored(keys: VolumeKeys, key: str, plaintext: bytes) -> bytes:
    """Return the object as a volume stores it."""
    encryptor = sealed.seal(keys, key, Metadata()).encryptor
    return encryptor.header + bytes(encryptor.update(plaintext)) + bytes(encryptor.finish())


def exported(keys: VolumeKeys) -> dict[str, Any]:
    """Return what `portable keys export-volume-key` writes."""
    parsed: dict[str, Any] = json.loads(export_volume_key(keys))
    return parsed


def opened_in_python(keys: VolumeKeys, message: bytes) -> bytes:
    """Open an object as the example does."""
    plaintext: bytes = open_message(exported(keys), message)  # type: ignore[no-untyped-call] # an example for readers
    return plaintext


def in_javascript(
    keys: VolumeKeys,
    open_: Sequence[bytes] = (),
    make: Sequence[tuple[bytes, Mapping[str, str], int]] = (),
) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Open and make messages with the SDK for JavaScript, in one process.

    `make` is plaintext, context and frame length. Returns, for each opened one, `plaintext` and `context`, or `error`; and the
    messages made.
    """
    document = exported(keys)
    request = {
        "keys": [
            {"namespace": document["namespace"], "key_name": epoch["key_name"], "key": epoch["key"]}
            for epoch in reversed(document["epochs"])
        ],
        "open": [b64encode(message).decode() for message in open_],
        "make": [
            {"plaintext": b64encode(plaintext).decode(), "context": dict(context), "frame_length": frame_length}
            for plaintext, context, frame_length in make
        ],
    }
    command = [str(programs.node()), str(SCRIPT), str(install.FOLDER)]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    for opened in answer["opened"]:
        if "plaintext" in opened:
            opened["plaintext"] = b64decode(opened["plaintext"])
    return answer["opened"], [b64decode(message) for message in answer["made"]]
