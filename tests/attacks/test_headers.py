"""Headers: downgraded, wrapped anew, uncommitted, chosen to ask what the keys say; and no header at all."""

import base64
import os

import pytest
from aws_encryption_sdk import EncryptionSDKClient
from aws_encryption_sdk.identifiers import AlgorithmSuite, CommitmentPolicy
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.backends.protocol import Attributes
from portable.errors import IntegrityError, MalformedMessage
from portable.format import context
from portable.format.header import parse
from portable.keys.volume_keys import EpochKey, VolumeKeys, VolumeRecord
from portable.volume import Volume
from tests.attacks.ghash import under_two_keys
from tests.attacks.host import FRAME, HEADER, KEY, PLAINTEXT, WAYS, Place
from tests.format import public_sdk
from tests.format.independent import FINAL, Secrets, aad, derived, prefixed, write
from tests.format.samples import KEY_NAME, VOLUME_ID, WRAPPING_KEY

PROFILE = AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY


@pytest.fixture
def shared_epoch() -> Place:
    """Return a volume whose epoch key the public SDK of the tests has too."""
    sample = EpochKey.generate()
    epoch = EpochKey(id=bytes(8), key=WRAPPING_KEY, state="active", created=sample.created)
    record = VolumeRecord(name="lake", id=VOLUME_ID, secret=bytes(32), frame_length=FRAME, names="plain", epochs=(epoch,))
    place = Place(keys=VolumeKeys(record))
    assert place.keys.key_name(place.keys.active_epoch) == KEY_NAME
    return place


def by_the_sdk(keys: VolumeKeys, suite: AlgorithmSuite, plaintext: bytes) -> bytes:
    """Encrypt as a holder of the epoch key who chooses another algorithm suite, for the right place."""
    policy = CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT if suite.is_committing() else None
    client = EncryptionSDKClient(commitment_policy=policy or CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    entries = context.build(place=context.place(keys.context_key, keys.volume_id, KEY), slot=os.urandom(192))
    message, _ = client.encrypt(
        source=plaintext,
        key_provider=public_sdk._provider(),
        algorithm=suite,
        frame_length=FRAME,
        encryption_context=entries,
    )
    return bytes(message)


@pytest.mark.parametrize("suite", [suite for suite in AlgorithmSuite if suite is not PROFILE], ids=lambda suite: suite.name)
def test_a_message_of_another_suite_is_refused_though_it_is_under_the_right_epoch_key(
    shared_epoch: Place, suite: AlgorithmSuite
) -> None:
    """Uncommitted suites, format version 1 and signed suites among them: nothing is negotiated."""
    message = by_the_sdk(shared_epoch.keys, suite, PLAINTEXT)
    shared_epoch.host.keep(KEY, message)
    for way in WAYS.values():
        with pytest.raises(MalformedMessage):
            way(shared_epoch.volume, KEY)


def test_an_uncommitted_message_is_refused_also_after_a_good_one_was_read(shared_epoch: Place) -> None:
    """No cache of keys or headers lets a later message pass unchecked."""
    volume = shared_epoch.volume
    assert volume.read(KEY) == PLAINTEXT
    shared_epoch.host.keep(KEY, by_the_sdk(shared_epoch.keys, AlgorithmSuite.AES_256_GCM_IV12_TAG16_HKDF_SHA256, b"forged"))
    with pytest.raises(MalformedMessage, match=r"version|suite"):
        volume.read(KEY)
    committed_to_nothing = bytearray(shared_epoch.message)
    committed_to_nothing[HEADER - 48 : HEADER - 16] = bytes(32)
    shared_epoch.host.keep(KEY, bytes(committed_to_nothing))
    with pytest.raises(IntegrityError):
        volume.read(KEY)


class TwoFaced:
    """A body that two data keys open to two plaintexts, made by somebody who holds the epoch key."""

    def __init__(self, keys: VolumeKeys) -> None:
        epoch = keys.active_epoch
        self.secrets = Secrets(keys.volume_id, keys.record.secret, epoch.id, epoch.key, FRAME)
        self.message_id = os.urandom(32)
        self.data_keys = os.urandom(32), os.urandom(32)
        self.derived = [derived(key, self.message_id) for key in self.data_keys]
        self.iv, self.aad = os.urandom(8) + b"\0\0\0\1", aad(self.message_id, FINAL, 1, 32)
        self.sealed = under_two_keys(*(keys.content for keys in self.derived), self.iv, self.aad)
        self.model = write(self.secrets, KEY, b"{}", b"")

    def message(self, wrapped: int, committed: int, tagged: int) -> bytes:
        """Return the message with one data key wrapped, one committed to, and the header's tag made under one."""
        slot_key, nonce, iv = self.derived[wrapped].metadata, os.urandom(12), os.urandom(12)
        slot = nonce + AESGCM(slot_key).encrypt(nonce, b"\0\2{}".ljust(164, b"\0"), self.message_id)
        context = self.model[37:112] + base64.b64encode(slot)
        edk = iv + prefixed(AESGCM(self.secrets.epoch_key).encrypt(iv, self.data_keys[wrapped], context))
        body = self.model[:3] + self.message_id + self.model[35:37] + context + self.model[368:439] + edk
        body += self.model[501:506] + self.derived[committed].commitment
        tag = AESGCM(self.derived[tagged].content).encrypt(bytes(12), b"", body)
        return body + tag + b"\xff\xff\xff\xff\0\0\0\1" + self.iv + (32).to_bytes(4, "big") + self.sealed


def test_another_wrapped_key_over_the_same_body_is_refused_by_the_commitment(place: Place) -> None:
    two_faced = TwoFaced(place.keys)
    faces = [AESGCM(keys.content).decrypt(two_faced.iv, two_faced.sealed, two_faced.aad) for keys in two_faced.derived]
    assert faces[0] != faces[1]  # the attack is real: without a commitment both keys open the frame

    place.host.keep(KEY, two_faced.message(0, 0, 0))
    assert place.volume.read(KEY) == faces[0]
    for wrapped, committed, tagged in [(1, 0, 0), (1, 0, 1), (0, 1, 0), (0, 1, 1)]:
        place.host.keep(KEY, two_faced.message(wrapped, committed, tagged))
        for way in WAYS.values():
            with pytest.raises(IntegrityError):
                way(place.volume, KEY)


CLEAR = {
    "text": b"patient;diagnosis\n" * 1000,
    "a Parquet file": b"PAR1" + bytes(50_000) + b"PAR1",
    "nothing": b"",
    "one byte": b"\x02",
    "the beginning of a message and then text": b"\x02\x04\x78" + b"text " * 1000,
    "the header of the object, then text": None,
}


@pytest.mark.parametrize("clear", CLEAR)
@pytest.mark.parametrize("way", WAYS)
def test_a_clear_object_is_an_error_and_never_passed_through(place: Place, clear: str, way: str) -> None:
    served = CLEAR[clear] if CLEAR[clear] is not None else place.header + b"text " * 5000
    # The host also says by every attribute that it has that the object is not encrypted.
    place.host.keep(KEY, served, Attributes(content_type="text/csv", metadata={"encrypted": "false"}))
    with pytest.raises(IntegrityError):
        WAYS[way](place.volume, KEY)


def secret_fields(place: Place) -> dict[str, range]:
    """Where in the message lies what only the keys can judge."""
    name = place.message.index(place.keys.key_name(place.keys.active_epoch)) + 49
    return {
        "the IV of the wrapped key": range(name + 8, name + 20),
        "the wrapped key": range(name + 22, name + 54),
        "the tag of the wrapped key": range(name + 54, name + 70),
        "the message id": range(3, 35),
        "the commitment": range(HEADER - 48, HEADER - 16),
        "the header's tag": range(HEADER - 16, HEADER),
        "a frame's IV": range(HEADER + 4, HEADER + 16),
        "a frame's ciphertext": range(HEADER + 16, HEADER + 40),
        "the final frame's tag": range(len(place.message) - 16, len(place.message)),
    }


def test_whoever_alters_bytes_and_watches_learns_nothing_from_the_error(place: Place) -> None:
    """One kind, one text, no cause to look into, whichever check it was and whichever bit it was."""
    said = set()
    for field in secret_fields(place).values():
        for at, bit in [(field.start, 1), (field.start, 0x80), (field.stop - 1, 1), (field.start + len(field) // 2, 0x10)]:
            altered = bytearray(place.message)
            altered[at] ^= bit
            place.host.keep(KEY, bytes(altered))
            with pytest.raises(IntegrityError) as caught:
                place.volume.read(KEY)
            said.add((type(caught.value), caught.value.args, caught.value.__cause__))
    assert len(said) == 1


def test_a_wrapped_key_of_another_object_does_not_open_this_one(place: Place) -> None:
    """The wrap is bound to the context: neither a key of the same volume nor one at the same place fits."""
    at = place.message.index(place.keys.key_name(place.keys.active_epoch)) + 49 + 8
    for key in (KEY, "another"):
        place.volume.write(key, PLAINTEXT)
        other = place.host.kept(key)
        place.host.keep(KEY, place.message[:at] + other[at : at + 12 + 2 + 48] + place.message[at + 62 :])
        with pytest.raises(IntegrityError):
            place.volume.read(KEY)


def test_a_message_of_another_frame_length_is_refused_also_when_it_is_authentic(place: Place) -> None:
    record = place.keys.record
    twin = VolumeRecord(
        name="lake", id=record.id, secret=record.secret, frame_length=2 * FRAME, names="plain", epochs=record.epochs
    )
    Volume(place.host, VolumeKeys(twin)).write(KEY, PLAINTEXT)
    assert parse(place.host.kept(KEY)).frame_length == 2 * FRAME
    with pytest.raises(MalformedMessage):
        place.volume.read(KEY)
