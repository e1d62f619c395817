"""Field types of the stored JSON documents: bytes of a fixed length (in base64), and what their decoder raises."""

from typing import Annotated, Final

from msgspec import Meta, MsgspecError

Bytes8 = Annotated[bytes, Meta(min_length=8, max_length=8)]
Bytes12 = Annotated[bytes, Meta(min_length=12, max_length=12)]
Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
SealedKey = Annotated[bytes, Meta(min_length=48, max_length=48)]
"""32 bytes under AES-256-GCM: ciphertext and tag."""

MALFORMED: Final = (MsgspecError, RecursionError, UnicodeDecodeError)
"""What `msgspec.json.decode` raises for any bytes that are not a document of the expected shape."""
