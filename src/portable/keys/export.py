"""The way out: epoch keys in a form that any public AWS Encryption SDK takes."""

import base64
from typing import Final

import msgspec

from portable.keys.volume_keys import NAMESPACE, VolumeKeys

ALGORITHM: Final = "AES_256_GCM_IV12_TAG16_NO_PADDING"
"""The SDKs' name of the wrapping algorithm of a Raw AES keyring with a key of 256 bits."""


def export_volume_key(keys: VolumeKeys) -> bytes:
    """Return JSON with every epoch key of the volume: **whoever holds it reads all objects of the volume**.

    Each entry of `epochs` makes one Raw AES keyring: `namespace`, `key_name`, `key` (base64), `algorithm`. The volume secret
    is not in it; without it objects are opened, but neither their keys checked nor names unsealed.
    """
    document = {
        "version": 1,
        "volume": keys.name,
        "volume_id": keys.volume_id.hex(),
        "namespace": NAMESPACE,
        "algorithm": ALGORITHM,
        "epochs": [
            {
                "key_name": keys.key_name(epoch).decode(),
                "key": base64.b64encode(epoch.key).decode(),
                "state": epoch.state,
                "created": epoch.created,
            }
            for epoch in keys.epochs
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"
