"""One encrypted object, written and read.

Layout::

    message   header | regular frame* | final frame         nothing before, between or behind
    header    header body | tag[16]                          tag = GCM(content key, iv = 0^12, "", aad = header body)
    keys      data key[32]: random, wrapped in the header under a wrapping key that the volume's keyring holds
              content key = HKDF-SHA-512(data key, salt = message id, info = 0478 || "DERIVEKEY")
              commitment  = HKDF-SHA-512(data key, salt = message id, info = "COMMITKEY"), in the header

The bytes of the header are in `portable.format.header`, those of the frames in `portable.format.frames`.

Two rules hold this together. A header is authenticated once in the life of its data key: the IV is always zero, so a second
header under the same data key would give away the GHASH key and with it forgery. Therefore nothing here takes a data key, a
message id or an IV to encrypt with, and a header is never made again. And no plaintext of a message leaves before the final
frame has authenticated its length.
"""

from portable.format.decryptor import Decryptor, decrypt
from portable.format.encryptor import ContextFor, Encryptor, encrypt
from portable.format.unlock import KeyFor

__all__ = ["ContextFor", "Decryptor", "Encryptor", "KeyFor", "decrypt", "encrypt"]
