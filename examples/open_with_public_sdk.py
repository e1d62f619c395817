"""Open an object without this project: the exported key and the public AWS Encryption SDK are enough.

portable keys export-volume-key keyring.json lake --out exported.json
python open_with_public_sdk.py exported.json STORED_OBJECT > plaintext
"""

import base64
import json
import sys
from pathlib import Path

from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider


class ExportedKeys(RawMasterKeyProvider):
    """The epoch keys of an exported volume, as Raw AES keys."""

    provider_id = "portable"
    keys = {}  # noqa: RUF012 - filled below: the SDK's base class takes no arguments

    def _get_raw_key(self, key_id):
        suite = WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING
        return WrappingKey(suite, self.keys[key_id], EncryptionKeyType.SYMMETRIC)


def open_message(exported, message):
    provider = ExportedKeys()
    provider.keys = {epoch["key_name"].encode(): base64.b64decode(epoch["key"]) for epoch in exported["epochs"]}
    provider.add_master_keys_from_list(list(provider.keys))
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    return client.decrypt(source=message, key_provider=provider)[0]


if __name__ == "__main__":
    sys.stdout.buffer.write(open_message(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]).read_bytes()))
