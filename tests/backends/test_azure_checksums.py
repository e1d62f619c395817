"""What is compared on the way to Azure and back: against Azurite where it computes checksums, and a host of ours where not."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from awscrt.checksums import crc64nvme

from portable.backends import azure_requests
from portable.backends.azure import AzureBackend, open_azure
from portable.backends.location import Location
from portable.errors import Corrupt, Unavailable
from tests.backends.answering import Answering, Asked, Says
from tests.servers import Azurite

DATA = b"123456789"
CRC64 = "iJh5CoYUi64="
"""Of DATA; AE8B14860A799888 is the check value of CRC-64/NVME (NVM Command Set specification, section 5.2.1.3.4)."""
ETAG = '"0x8D1"'
STANDING = {"ETag": ETAG, "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Content-Type": "text/plain"}


@pytest.fixture
def azure(azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureBackend]:
    """Open a store in a container of the emulator."""
    for name, value in azurite.env("TEST_").items():
        monkeypatch.setenv(name, value)
    backend = open_azure(Location(f"az://{container}", credentials="env:TEST_"), 20.0)
    yield backend
    backend.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Asked], Says]], tuple[AzureBackend, Answering]]]:
    """Open a store at a host that answers as a test says."""
    opened: list[Any] = []
    monkeypatch.setenv("OURS_AZURE_STORAGE_ACCOUNT", "account")
    monkeypatch.setenv("OURS_AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=2")

    def make(answer: Callable[[Asked], Says]) -> tuple[AzureBackend, Answering]:
        host = Answering(answer).__enter__()
        backend = open_azure(Location("az://container", endpoint=host.endpoint, credentials="env:OURS_"), 5.0)
        opened.extend((host, backend))
        return backend, host

    yield make
    for host, backend in zip(opened[::2], opened[1::2], strict=True):
        backend.close()
        host.__exit__(None, None, None)


def test_the_checksum_is_that_of_the_specification() -> None:
    assert crc64nvme(DATA) == 0xAE8B14860A799888
    assert azure_requests.checksum(DATA) == CRC64


def test_azurite_refuses_what_was_altered_on_its_way(azure: AzureBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = azure.begin("staged")
    with monkeypatch.context() as patch:
        patch.setattr(azure_requests, "checksum", lambda _: CRC64)
        for write in (lambda: azure.put("key", b"altered"), lambda: upload.part(0, b"altered")):
            with pytest.raises(Corrupt, match="Crc64Mismatch"):
                write()
        assert azure.put("key", DATA).size == len(DATA)
    assert [stat.key for stat in azure.list()] == ["key"]


def test_azurite_confirms_parts(azure: AzureBackend) -> None:
    upload = azure.begin("key")
    assert upload.part(0, os.urandom(100_000)) == upload.part(1, bytearray(DATA)) == "crc64nvme"
    assert upload.commit().confirmed == "crc64nvme"


def test_a_put_is_confirmed_by_what_the_host_computed(told: Any) -> None:
    backend, host = told(lambda asked: Says(201, {**STANDING, "x-ms-content-crc64": asked.headers["x-ms-content-crc64"]}))
    stat = backend.put("key", DATA)
    assert (stat.confirmed, stat.etag) == ("crc64nvme", ETAG)
    assert host.asked[0].headers["x-ms-content-crc64"] == CRC64
    assert host.asked[0].body == DATA


def test_a_put_that_the_host_says_nothing_of_is_not_confirmed(told: Any) -> None:
    backend, _ = told(lambda _: Says(201, STANDING))
    assert backend.put("key", DATA).confirmed == "none"
    upload = backend.begin("key")
    assert upload.part(0, DATA) == "none"
    assert upload.commit().confirmed == "none"


def test_other_bytes_at_the_host_are_corrupt(told: Any) -> None:
    backend, _ = told(lambda _: Says(201, {**STANDING, "x-ms-content-crc64": "AAAAAAAAAAA="}))
    for write in (lambda: backend.put("key", DATA), lambda: backend.begin("key").part(0, DATA)):
        with pytest.raises(Corrupt, match="other bytes"):
            write()


def ranged(stored: bytes, sent: bytes) -> Callable[[Asked], Says]:
    """Answer Get Blob with the checksum of `stored` and the bytes of `sent`, as the service does for ranges up to 4 MiB."""

    def answer(asked: Asked) -> Says:
        given = asked.headers.get("x-ms-range")
        if given is None:
            digest = base64.b64encode(hashlib.md5(stored, usedforsecurity=False).digest()).decode()
            return Says(200, {**STANDING, "Content-MD5": digest}, sent)
        start, stop = (int(text or len(stored) - 1) for text in given.removeprefix("bytes=").split("-"))
        stop = min(stop + 1, len(stored))
        headers = {**STANDING, "Content-Range": f"bytes {start}-{stop - 1}/{len(stored)}"}
        if asked.headers.get("x-ms-range-get-content-crc64") == "true":
            assert stop - start <= 4 << 20
            headers["x-ms-content-crc64"] = base64.b64encode(crc64nvme(stored[start:stop]).to_bytes(8, "little")).decode()
        return Says(206, headers, sent[start:stop])

    return answer


def test_a_range_is_compared_with_its_checksum(told: Any) -> None:
    stored = os.urandom(5 << 20)
    backend, _ = told(ranged(stored, stored))
    for start, stop, confirmed in (
        (0, 1, "crc64nvme"),
        (7, 7 + (4 << 20), "crc64nvme"),
        (5_000_000, 99_999_999, "none"),
        (5_000_000, 5_000_100, "crc64nvme"),
        (0, (4 << 20) + 1, "none"),
        (5_000_000, None, "none"),
    ):
        fetched = backend.get("key", start, stop)
        assert (bytes(fetched.data), fetched.confirmed) == (stored[start:stop], confirmed)
    assert backend.capabilities.checked_read == 4 << 20


def test_a_range_that_does_not_fit_its_checksum_is_corrupt(told: Any) -> None:
    backend, _ = told(ranged(b"stored", b"altere"))
    with pytest.raises(Corrupt, match=r"get 'key' in az://container.*crc64nvme"):
        backend.get("key", 1, 4)


def test_a_whole_small_blob_is_compared_with_its_md5(told: Any) -> None:
    backend, _ = told(ranged(b"stored", b"stored"))
    assert backend.get("key").confirmed == "md5"
    backend, _ = told(ranged(b"stored", b"altere"))
    with pytest.raises(Corrupt, match="md5"):
        backend.get("key")


def test_the_md5_of_a_large_blob_is_left_alone(told: Any) -> None:
    stored = bytes((4 << 20) + 1)
    backend, _ = told(ranged(stored, stored))
    assert backend.get("key").confirmed == "none"


def test_azurite_gives_the_md5_of_a_whole_blob_and_no_checksum_of_a_range(azure: AzureBackend) -> None:
    azure.put("key", DATA)
    assert azure.get("key").confirmed == "md5"
    assert azure.get("key", 2, 5).confirmed == "none"


def test_a_host_that_knows_no_checksums_of_ranges_is_asked_without(told: Any) -> None:
    answer = ranged(DATA, DATA)

    def strict(asked: Asked) -> Says:
        if "x-ms-range-get-content-crc64" in asked.headers:
            return Says(500, {"x-ms-error-code": "FeatureNotSupported"})
        return answer(asked)

    backend, host = told(strict)
    for _ in range(2):
        fetched = backend.get("key", 2, 5)
        assert (bytes(fetched.data), fetched.confirmed) == (DATA[2:5], "none")
    assert len(host.asked) == 3


@pytest.mark.parametrize(
    "says",
    [
        Says(200, STANDING, DATA),
        Says(206, {**STANDING, "Content-Range": "bytes 1-3/9"}, DATA[1:4]),
        Says(206, {**STANDING, "Content-Range": "bytes 2-3/9"}, DATA[2:4]),
        Says(206, {**STANDING, "Content-Range": "nonsense"}, DATA[2:5]),
        Says(206, {"Content-Range": "bytes 2-4/9"}, DATA[2:5]),
        Says(206, {**STANDING, "Last-Modified": "yesterday", "Content-Range": "bytes 2-4/9"}, DATA[2:5]),
        Says(206, {**STANDING, "Content-Range": "bytes 2-4/9", "Content-Length": "7"}, DATA[2:5]),
    ],
)
def test_an_answer_that_is_not_the_range_is_no_answer(told: Any, says: Says) -> None:
    closing = Says(says.status, {**says.headers, "Connection": "close"}, says.body)
    backend, _ = told(lambda _: closing)
    with pytest.raises(Unavailable):
        backend.get("key", 2, 5)
