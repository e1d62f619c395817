"""Published messages of every committing suite behave as their file says.

Their data keys are wrapped for key services and keyrings that are none of ours. So each is tried twice: as it is, which this
profile refuses, and with its data key (the file has it) wrapped under an epoch key in a header made again, the rest kept.
"""

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.errors import IntegrityError, MalformedMessage
from portable.format.message import Decryptor, decrypt
from tests.format.independent import derived, prefixed
from tests.format.samples import ANY_LENGTH, KEY_NAME, WRAPPING_KEY, key_for
from tests.interop.conftest import VECTORS

CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text())["tests"]
OPENED = [case for case in CASES if case["status"]]
FRAMED, IV_LENGTH = 2, 12


@dataclass(frozen=True)
class Parts:
    """A published message, taken apart."""

    suite: bytes
    message_id: bytes
    context: bytes
    content_type: int
    frame_length: bytes
    commitment: bytes
    frames: bytes
    data_key: bytes

    @classmethod
    def of(cls, case: dict[str, Any]) -> "Parts":
        header, message = b64decode(case["header"]), b64decode(case["ciphertext"])
        assert message.startswith(header)
        at = 35
        context, at = field(header, at)
        keys, at = int.from_bytes(header[at : at + 2], "big"), at + 2
        for _ in range(3 * keys):
            _, at = field(header, at)
        assert at + 1 + 4 + 32 + 16 == len(header)
        return cls(
            suite=header[1:3],
            message_id=header[3:35],
            context=context,
            content_type=header[at],
            frame_length=header[at + 1 : at + 5],
            commitment=header[at + 5 : at + 37],
            frames=message[len(header) :],
            data_key=b64decode(case["decrypted-dek"]),
        )

    @property
    def in_the_profile(self) -> bool:
        return self.suite == b"\x04\x78" and self.content_type == FRAMED

    def for_us(self, commitment: bytes | None = None) -> bytes:
        """Return the message with a header that names our epoch key."""
        iv = bytes(range(IV_LENGTH))
        wrapped = AESGCM(WRAPPING_KEY).encrypt(iv, self.data_key, self.context)
        body = b"\x02" + self.suite + self.message_id + prefixed(self.context) + b"\x00\x01" + prefixed(b"portable")
        body += prefixed(KEY_NAME + bytes.fromhex("00000080 0000000c") + iv) + prefixed(wrapped)
        body += bytes([self.content_type]) + self.frame_length + (commitment or self.commitment)
        tag = AESGCM(derived(self.data_key, self.message_id).content).encrypt(bytes(12), b"", body)
        return body + tag + self.frames


def field(data: bytes, at: int) -> tuple[bytes, int]:
    stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
    return data[at + 2 : stop], stop


def name(case: dict[str, Any]) -> str:
    return str(case["comment"])


def test_the_file_holds_what_these_tests_are_about() -> None:
    inside = [case for case in CASES if Parts.of(case).in_the_profile]
    assert len(CASES) == 46
    assert (len(inside), sum(case["status"] for case in inside)) == (20, 17)


@pytest.mark.parametrize("case", [case for case in OPENED if Parts.of(case).in_the_profile], ids=name)
def test_a_framed_message_of_the_suite_opens_to_its_plaintext(case: dict[str, Any]) -> None:
    opened = decrypt(Parts.of(case).for_us(), key_for, frame_lengths=ANY_LENGTH)
    assert opened == "".join(case["plaintext-frames"]).encode()


@pytest.mark.parametrize("case", [c for c in CASES if not c["status"] and Parts.of(c).in_the_profile], ids=name)
def test_a_message_that_commits_to_another_key_is_refused_for_its_commitment_alone(case: dict[str, Any]) -> None:
    assert case["exception"] == "EXCEPTION: Invalid commitment"
    parts = Parts.of(case)
    with pytest.raises(IntegrityError, match="does not authenticate"):
        decrypt(parts.for_us(), key_for, frame_lengths=ANY_LENGTH)
    right = derived(parts.data_key, parts.message_id).commitment
    assert right != parts.commitment
    assert Decryptor.open(parts.for_us(right), key_for, frame_lengths=ANY_LENGTH).header.commitment == right


@pytest.mark.parametrize("case", [case for case in CASES if not Parts.of(case).in_the_profile], ids=name)
def test_another_suite_and_an_unframed_message_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage, match=r"algorithm suite|content type"):
        decrypt(Parts.of(case).for_us(), key_for, frame_lengths=ANY_LENGTH)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_message_wrapped_for_another_kind_of_keyring_is_refused_as_it_is(case: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        decrypt(b64decode(case["ciphertext"]), key_for, frame_lengths=ANY_LENGTH)


@pytest.mark.parametrize(
    "case", [case for case in OPENED if "content-encryption-key" in case and Parts.of(case).in_the_profile], ids=name
)
def test_the_second_implementation_derives_keys_as_published(case: dict[str, Any]) -> None:
    parts = Parts.of(case)
    assert derived(parts.data_key, parts.message_id).content == b64decode(case["content-encryption-key"])
    assert derived(parts.data_key, parts.message_id).commitment == b64decode(case["commitment"]) == parts.commitment
