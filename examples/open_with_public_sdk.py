"""Open an object without this project: the exported key and the public AWS Encryption SDK are enough.

portable keys export-volume-key keyring.json lake --out exported.json
python open_with_public_sdk.py exported.json STORED_OBJECT > plaintext
"""

import base64
import json
import sys
from pathlib import Path

from aws_encryption_sdk import EncryptionSDKClient
from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey


def open_message(exported, message):
    epoch = next(epoch for epoch in exported["epochs"] if epoch["key_name"].encode() in message[:1024])
    key = WrappingKey(WrappingAlgorithm[exported["algorithm"]], base64.b64decode(epoch["key"]), EncryptionKeyType.SYMMETRIC)
    master = RawMasterKey(key_id=epoch["key_name"], provider_id=exported["namespace"], wrapping_key=key)
    return EncryptionSDKClient().decrypt(source=message, key_provider=master)[0]


if __name__ == "__main__":
    sys.stdout.buffer.write(open_message(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]).read_bytes()))
