"""No key and IV are ever used for two plaintexts, and no header is made twice."""

import inspect
import os
import threading
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import IntegrityError
from portable.format import derive
from portable.format.frames import FrameSealer
from portable.format.header import encode_body, parse
from portable.format.message import Encryptor, decrypt, encrypt
from tests.format.samples import ANY_LENGTH, KEY_NAME, WRAPPING_KEY, data_key, encryptor, key_for, message, pattern


def frame_ivs(body: bytes | bytearray, frame_length: int) -> Iterator[bytes]:
    step = frame_length + 32
    while not body.startswith(b"\xff\xff\xff\xff"):
        yield bytes(body[4:16])
        body = body[step:]
    yield bytes(body[8:20])


@given(st.binary(max_size=100), st.integers(1, 20))
def test_the_iv_of_a_frame_is_the_pass_and_the_seq(plaintext: bytes, frame_length: int) -> None:
    writer = encryptor(frame_length)
    ivs = list(frame_ivs(writer.update(plaintext) + writer.finish(), frame_length))

    assert len({iv[:8] for iv in ivs}) == 1
    assert [int.from_bytes(iv[8:], "big") for iv in ivs] == list(range(1, len(ivs) + 1))
    assert bytes(12) not in ivs


def test_two_passes_over_one_message_share_no_iv() -> None:
    first = encryptor(16)
    passes = [first.update(pattern(50)) + first.finish()]
    for _ in range(20):
        again = Encryptor.resume(first.header, key_for, frame_lengths=ANY_LENGTH)
        passes.append(again.update(pattern(50)) + again.finish())
    ivs = [iv for body in passes for iv in frame_ivs(body, 16)]

    assert len({body[4:12] for body in map(bytes, passes)}) == len(passes)
    assert len(set(ivs)) == len(ivs)


def test_two_messages_share_neither_id_nor_data_key_nor_wrapping_iv() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def watch(message_id: bytes, metadata_key: bytes) -> dict[str, str]:
        seen.append((message_id, metadata_key))
        return {}

    writers = [Encryptor.create(WRAPPING_KEY, KEY_NAME, 4096, watch) for _ in range(50)]
    assert len({message_id for message_id, _ in seen}) == len({metadata_key for _, metadata_key in seen}) == 50
    assert len({data_key(writer.header) for writer in writers}) == 50
    assert len({parse(writer.header).wrapped.iv for writer in writers}) == 50
    assert [writer.message_id for writer in writers] == [message_id for message_id, _ in seen]


def test_threads_that_share_a_pass_share_no_seq() -> None:
    sealer = FrameSealer(AESGCM(bytes(32)), bytes(32), 16)
    outs = [bytearray(48 * 200) for _ in range(8)]
    plaintext = memoryview(bytes(16))

    def work(out: bytearray) -> None:
        for start in range(0, len(out), 48):
            sealer.run(plaintext, memoryview(out)[start : start + 48])

    threads = [threading.Thread(target=work, args=(out,)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ivs = [bytes(out[start + 4 : start + 16]) for out in outs for start in range(0, len(out), 48)]
    assert len(set(ivs)) == len(ivs) == 1600


def test_a_pass_is_refused_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork, parent and child hold the same prefix and the same count."""
    writer = encryptor()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="belongs to the process"):
        writer.update(bytes(16))
    with pytest.raises(RuntimeError, match="finished or has failed"):
        writer.update_into(bytes(16), bytearray(48))


def test_a_seq_that_was_claimed_is_not_given_out_again_after_a_failure() -> None:
    sealer = FrameSealer(AESGCM(bytes(32)), bytes(32), 16)
    with pytest.raises(ValueError, match="buffer must be"):
        sealer.run(memoryview(bytes(32)), memoryview(bytearray(48 + 40)))
    out = bytearray(48)
    sealer.run(memoryview(bytes(16)), memoryview(out))
    assert int.from_bytes(out[:4], "big") == 3
    sealer.final(memoryview(b""), memoryview(bytearray(40)))
    with pytest.raises(RuntimeError, match="pass of encryption is over"):
        sealer.run(memoryview(bytes(16)), memoryview(out))


def test_nothing_random_can_be_chosen_by_a_caller() -> None:
    signatures: list[tuple[Callable[..., object], set[str]]] = [
        (Encryptor.create, {"wrapping_key", "key_name", "frame_length", "context_for", "frame_lengths"}),
        (Encryptor.resume, {"header", "key_for", "frames_before", "frame_lengths"}),
        (encrypt, {"plaintext", "wrapping_key", "key_name", "frame_length", "context_for", "frame_lengths"}),
    ]
    for make, allowed in signatures:
        assert inspect.signature(make).parameters.keys() == allowed
    assert {name for name in vars(Encryptor) if not name.startswith("_")} == {
        "create",
        "resume",
        "header",
        "message_id",
        "room",
        "stored_length",
        "update",
        "update_into",
        "finish",
        "finish_into",
        "whole",
    }


# The attack behind "a header is never made again", in the field that GCM authenticates in (NIST SP 800-38D, 6.3).


def multiply(x: int, y: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        product ^= x if y >> bit & 1 else 0
        x = x >> 1 ^ (0xE1 << 120 if x & 1 else 0)
    return product


def power(x: int, exponent: int) -> int:
    result = 1 << 127
    while exponent:
        result = multiply(result, x) if exponent & 1 else result
        x, exponent = multiply(x, x), exponent >> 1
    return result


def blocks(data: bytes) -> list[int]:
    return [int.from_bytes(data[start : start + 16].ljust(16, b"\0"), "big") for start in range(0, len(data), 16)]


def test_who_sees_two_headers_of_one_data_key_can_alter_frames() -> None:
    """A header made again with another frame length gives away H, and H makes tags for whatever was altered."""
    plaintext = pattern(40)
    stored = encrypt(plaintext, WRAPPING_KEY, KEY_NAME, 16, lambda *_: {"entry": "x" * 16}, frame_lengths=ANY_LENGTH)
    header = parse(stored, frame_lengths=ANY_LENGTH)
    # What no function of the package does: authenticate a second header under the same data key.
    again = encode_body(header.message_id, header.context_bytes, header.wrapped, 17, header.commitment)
    keys = derive.message_keys(data_key(stored), header.message_id)
    tag = AESGCM(keys.content).encrypt(bytes(12), b"", again)

    # The host, from here on: it has both headers and no key.
    difference = [a ^ b for a, b in zip(blocks(header.body), blocks(again), strict=True)]
    (index,) = [index for index, block in enumerate(difference) if block]
    exponent = len(difference) - index + 1
    order = 2**128 - 1
    value = multiply(blocks(header.tag)[0] ^ blocks(tag)[0], power(difference[index], order - 1))
    h = power(value, pow(exponent, -1, order))
    start = header.length
    ciphertext = slice(start + 16, start + 32)
    mask = int.from_bytes(b"\xff" * 16, "big")
    forged = bytearray(stored)
    forged[ciphertext] = (int.from_bytes(stored[ciphertext], "big") ^ mask).to_bytes(16, "big")
    with pytest.raises(IntegrityError):
        decrypt(forged, key_for, frame_lengths=ANY_LENGTH)
    # One block of ciphertext, then the block of lengths: the mask counts with H squared.
    correction = multiply(mask, multiply(h, h))
    old_tag = slice(start + 32, start + 48)
    forged[old_tag] = (int.from_bytes(stored[old_tag], "big") ^ correction).to_bytes(16, "big")

    altered = bytes(byte ^ 0xFF for byte in plaintext[:16]) + plaintext[16:]
    assert decrypt(forged, key_for, frame_lengths=ANY_LENGTH) == altered


def test_one_header_is_made_for_a_message_whatever_is_done_with_it() -> None:
    writer = encryptor(16)
    before = writer.header
    writer.update(pattern(100))
    writer.finish()
    resumed = Encryptor.resume(before + b"what follows", key_for, frame_lengths=ANY_LENGTH)
    resumed.finish()

    assert before == writer.header == resumed.header
    ids = {bytes(message(b"x")[3:35]) for _ in range(20)} | {encryptor().message_id, before[3:35]}
    assert len(ids) == 22
