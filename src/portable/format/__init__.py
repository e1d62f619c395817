"""The object format: bytes in, bytes out, no I/O.

Every encrypted object is one AWS Encryption SDK message, format version 2, suite 0x0478, framed, with one wrapped data key.
Imports run one way::

    message      the format in short; gathers Encryptor, Decryptor, encrypt, decrypt
    encryptor    writing a message
    decryptor    reading a message
    unlock       a header, authenticated
    frames       AES-256-GCM over frames; where frame IVs come from
    context      the two entries of the encryption context, and what makes the header's length a constant
    metadata     the sealed slot in the encryption context
    header       the header's bytes, parsed strictly
    derive       keys from keys
    layout       arithmetic of lengths and offsets
"""
