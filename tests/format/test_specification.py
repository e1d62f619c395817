"""The pages in docs/spec say what the package does: a second implementation made from them opens its messages, and back."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.backends.protocol import Attributes
from portable.errors import IntegrityError
from portable.keys.volume_keys import EpochKey, VolumeKeys, VolumeRecord
from portable.sealed import Metadata, header_length, open_header, overflow_key, read_metadata, seal
from tests.format import independent

PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "object-format.md").read_text()
METADATA_PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "header-metadata.md").read_text()
FRAME = 4096
LENGTHS = [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 7]
KEY = "records/été.parquet"
DESCRIBED = Metadata(Attributes(content_type="text/csv"), datetime(2026, 1, 2, tzinfo=UTC), '"0x8D"')
DOCUMENT = b'{"m":1767312000000000,"t":"text/csv","s":"\\"0x8D\\""}'


def example() -> tuple[dict[str, bytes], bytes]:
    """Return the values and the message of the page's worked example."""
    values, dump = re.findall(r"```text\n(.*?)```", PAGE.partition("## Worked example")[2], re.DOTALL)[:2]
    message = b""
    for offset, digits in re.findall(r"^ *(\d+)  ([0-9a-f]+)", dump, re.MULTILINE):
        assert int(offset) == len(message)
        message += bytes.fromhex(digits)
    return {
        name: bytes.fromhex(digits) for name, digits in re.findall(r"^(.+?) += ([0-9a-f]+)$", values, re.MULTILINE)
    }, message


VALUES, EXAMPLE = example()
SECRETS = independent.Secrets(VALUES["volume id"], VALUES["volume secret"], VALUES["epoch id"], VALUES["epoch key"], FRAME)
EPOCH = EpochKey(id=SECRETS.epoch_id, key=SECRETS.epoch_key, state="active", created=datetime(2026, 1, 2, tzinfo=UTC))
KEYS = VolumeKeys(
    VolumeRecord(
        name="lake",
        id=SECRETS.volume_id,
        secret=SECRETS.volume_secret,
        frame_length=FRAME,
        names="plain",
        epochs=(EPOCH,),
    )
)


def pattern(length: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in range(length // 4 + 1))[:length]


def sealed(plaintext: bytes, described: Metadata = DESCRIBED, key: str = KEY) -> bytes:
    encryptor = seal(KEYS, key, described).encryptor
    return encryptor.header + encryptor.update(plaintext) + encryptor.finish()


def no_overflow(key: str) -> bytes:
    raise AssertionError(f"{key} was fetched")


def test_the_worked_example_opens_with_both_implementations() -> None:
    assert independent.read(SECRETS, "a/b.txt", EXAMPLE) == (b"hello", b'{"m":1767323045678901,"t":"text/plain"}')
    opened = open_header(KEYS, "a/b.txt", EXAMPLE)
    assert opened.whole(EXAMPLE) == b"hello"
    expected = Metadata(Attributes(content_type="text/plain"), datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
    assert read_metadata(opened, no_overflow) == expected


def test_the_values_of_the_worked_example_follow_from_its_secrets() -> None:
    data_key, message_id = VALUES["data key"], VALUES["message id"]
    keys = independent.derived(data_key, message_id)
    assert EXAMPLE[3:35] == message_id
    assert (keys.content, keys.commitment, keys.metadata) == (
        VALUES["content key"],
        VALUES["commitment"],
        VALUES["metadata key"],
    )
    assert KEYS.context_key == VALUES["context key"]
    assert AESGCM(SECRETS.epoch_key).decrypt(EXAMPLE[439:451], EXAMPLE[453:501], EXAMPLE[37:368]) == data_key


@pytest.mark.parametrize("length", LENGTHS)
def test_the_second_implementation_opens_our_messages(length: int) -> None:
    message = sealed(pattern(length))
    assert independent.read(SECRETS, KEY, message) == (pattern(length), DOCUMENT)
    assert header_length(KEYS) == independent.HEADER_LENGTH


@pytest.mark.parametrize("fill", [False, True], ids=["empty final frame", "full final frame"])
@pytest.mark.parametrize("length", LENGTHS)
def test_we_open_messages_of_the_second_implementation(length: int, *, fill: bool) -> None:
    message = independent.write(SECRETS, KEY, DOCUMENT, pattern(length), fill=fill)
    opened = open_header(KEYS, KEY, message)
    assert opened.whole(message) == pattern(length)
    assert read_metadata(opened, no_overflow) == DESCRIBED


def test_both_refuse_a_message_that_commits_to_another_data_key() -> None:
    message = independent.write(SECRETS, KEY, DOCUMENT, b"plaintext", uncommitted=True)
    with pytest.raises(independent.Refused, match="commits to another"):
        independent.read(SECRETS, KEY, message)
    with pytest.raises(IntegrityError):
        open_header(KEYS, KEY, message)


@pytest.mark.parametrize("cut", [-1, -45, -(FRAME + 32), 1, FRAME + 32])
def test_both_refuse_a_message_of_another_length(cut: int) -> None:
    message = sealed(pattern(2 * FRAME + 5))
    other = message[:cut] if cut < 0 else message + bytes(cut)
    with pytest.raises(independent.Refused):
        independent.read(SECRETS, KEY, other)
    with pytest.raises(IntegrityError):
        open_header(KEYS, KEY, other).whole(other)


def test_both_refuse_a_message_of_another_key() -> None:
    message = sealed(b"plaintext")
    with pytest.raises(independent.Refused, match="elsewhere"):
        independent.read(SECRETS, "other", message)
    with pytest.raises(IntegrityError):
        open_header(KEYS, "other", message)


def test_metadata_that_does_not_fit_lies_where_the_page_says() -> None:
    described = Metadata(Attributes(metadata={"note": "x" * 200}), datetime(1970, 1, 1, tzinfo=UTC) - timedelta(seconds=1))
    sealing = seal(KEYS, KEY, described)
    message = sealing.encryptor.header + sealing.encryptor.finish()
    plaintext, slot = independent.read(SECRETS, KEY, message)
    overflow = b'{"m":-1000000,"u":{"note":"' + b"x" * 200 + b'"}}'
    assert plaintext == b""
    assert json.loads(slot).keys() == {"o"}
    assert independent.overflow_fits(overflow, base64.b64decode(json.loads(slot)["o"]))
    assert sealing.overflow == overflow
    place = f".portable/meta/{message[3:35].hex()}"
    assert overflow_key(message[3:35]) == place
    beside = independent.write(SECRETS, place, b"{}", overflow)
    fetched = {place: bytes(open_header(KEYS, place, beside).whole(beside))}
    assert read_metadata(open_header(KEYS, KEY, message), fetched.__getitem__) == described


@pytest.mark.parametrize("document", re.findall(r"^(\{.*\})$", METADATA_PAGE, re.MULTILINE))
def test_the_documents_on_the_page_are_what_is_written(document: str) -> None:
    read = read_metadata(open_header(KEYS, KEY, independent.write(SECRETS, KEY, document.encode(), b"")), no_overflow)
    assert independent.read(SECRETS, KEY, sealed(b"", read))[1] == document.encode()
