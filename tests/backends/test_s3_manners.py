"""How requests are made where a host wants them otherwise than Amazon: each quirk with a server, or a proxy, that has it."""

import itertools
import os
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from portable.backends import s3_listing
from portable.backends.credentials import S3Credentials
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Attributes, Folder
from portable.backends.s3 import S3Backend
from portable.backends.s3_requests import container
from portable.backends.traits import Contract, Parts, contract
from portable.errors import (
    AlreadyExists,
    ConfigurationError,
    Denied,
    InvalidKey,
    NotFound,
    PortableError,
    Unavailable,
    Unsupported,
)
from portable.volume import Volume
from tests.backends.answering import Answering, Asked, Says
from tests.backends.s3_opening import Place
from tests.servers import MiniStack, SeaweedFS
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import CutRequest, Rewrite, Rule, Status

MIB = 1 << 20
KEYS = ["a b/ü", "a/1", "a/2", "b+c", "d%20", "e/f/g", "z"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve every name below s3.localhost, as the host's own name service would."""
    resolve: Callable[..., Any] = socket.getaddrinfo

    def resolved(host: str | None, *arguments: Any, **named: Any) -> Any:
        is_ours = host is not None and f".{host}".endswith(".s3.localhost")
        return resolve("127.0.0.1" if is_ours else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.fixture
def place(seaweedfs: SeaweedFS, bucket: str) -> Place:
    """Name a bucket of SeaweedFS."""
    return Place(seaweedfs, bucket, "seaweedfs")


@pytest.mark.usefixtures("names")
def test_a_host_that_knows_buckets_by_its_name_alone_is_asked_so(ministack: MiniStack) -> None:
    bucket = ministack.make_bucket()
    with FaultProxy(ministack.endpoint) as proxy:
        proxy.rules = [Rule(Status(400, "InvalidRequest"), target=f"^/{re.escape(bucket)}")]
        endpoint = proxy.endpoint.replace("127.0.0.1", "s3.localhost")
        virtual = replace(contract("ministack"), addressing="virtual")
        credentials = S3Credentials(endpoint, ministack.region, ministack.access_key, ministack.secret_key)
        with pytest.raises(PortableError):
            S3Backend(Location(f"s3://{bucket}", provider="ministack"), credentials, bound=20.0).put("a", b"")
        backend = S3Backend(Location(f"s3://{bucket}/below", contract=virtual), credentials, bound=20.0)
        backend.put("a b/ü", b"data", expect=ABSENT)
        with pytest.raises(AlreadyExists):
            backend.put("a b/ü", b"other", expect=ABSENT)
        upload = backend.begin("large")
        upload.part(0, b"1")
        upload.commit()
        assert sorted(stat.key for stat in backend.list()) == ["a b/ü", "large"]
        assert bytes(backend.get("a b/ü").data) == b"data"
        backend.delete("large")
        backend.close()
        sent = [exchange for exchange in proxy.seen() if exchange.status != 400]
        assert {exchange.headers["host"].partition(":")[0] for exchange in sent} == {f"{bucket}.s3.localhost"}


@pytest.mark.parametrize("bucket_name", ["Upper", "under_score", "dotted.bucket"])
def test_a_bucket_that_can_be_no_part_of_a_host_s_name_is_refused_where_it_must_be(bucket_name: str) -> None:
    assert str(container("https://s3.example.eu", bucket_name, "path")) == f"https://s3.example.eu/{bucket_name}"
    with pytest.raises(ConfigurationError, match=bucket_name):
        container("https://s3.example.eu", bucket_name, "virtual")


@pytest.mark.parametrize(("key", "taken"), [("key", Unsupported), ("awkward/", InvalidKey)])
@pytest.mark.parametrize("verb", ["stat", "get"])
def test_a_head_that_is_refused_without_a_word_is_explained_by_a_get(key: str, taken: type[Exception], verb: str) -> None:
    """Amazon answers 400 to an expired session token, and the answer to a HEAD has no body that would say so."""
    said = {"ExpiredToken": Denied, "InvalidToken": Denied, "InvalidArgument": taken}
    for code, error in said.items():

        def answer(_: Asked, code: str = code) -> Says:
            return Says(400, {}, f"<Error><Code>{code}</Code></Error>".encode())

        with Answering(answer) as host:
            credentials = S3Credentials(host.endpoint, "eu-1", "AK", "SK", "token")
            backend = S3Backend(Location("s3://bucket"), credentials, bound=5.0)
            with pytest.raises(error):
                backend.stat(key) if verb == "stat" else backend.get(key, 0, 0)
            assert [(asked.method, asked.headers.get("range")) for asked in host.asked] == [
                ("HEAD", None),
                ("GET", "bytes=0-0"),
            ]


def test_a_head_that_is_refused_stays_so_where_a_get_is_not() -> None:
    with Answering(lambda asked: Says(400 if asked.method == "HEAD" else 206, {}, b"1")) as host:
        backend = S3Backend(Location("s3://bucket"), S3Credentials(host.endpoint, "eu-1", "AK", "SK"), bound=5.0)
        with pytest.raises(Unsupported, match="HTTP 400"):
            backend.stat("key")


@pytest.fixture
def first_version(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[S3Backend, FaultProxy]]:
    """Open a bucket of a host that has only the first version of ListObjects, and pages of two keys."""
    client = place.server.client
    for key in KEYS:
        client.put_object(Bucket=place.bucket, Key=key, Body=key.encode())
    with FaultProxy(place.server.endpoint) as proxy:
        proxy.rules = [Rule(Status(501, "NotImplemented"), target="list-type=2")]
        with place.open(endpoint=proxy.endpoint, contract=replace(contract("seaweedfs"), listing=1)) as backend:
            monkeypatch.setattr(s3_listing, "PAGE_SIZE", 2)
            yield backend, proxy


def test_a_host_without_the_second_version_of_listings_is_asked_by_the_first(
    place: Place, first_version: tuple[S3Backend, FaultProxy]
) -> None:
    backend, proxy = first_version
    assert sorted((stat.key, stat.size) for stat in backend.list()) == [(key, len(key.encode())) for key in KEYS]
    assert sorted(stat.key for stat in backend.list("a/")) == ["a/1", "a/2"]
    assert sorted(stat.key for stat in backend.inventory() if not stat.key.endswith("/")) == KEYS
    assert len(proxy.seen("GET", "marker=")) >= 6
    assert not proxy.seen("GET", "list-type=2")
    with place.open(endpoint=proxy.endpoint) as asks_otherwise, pytest.raises((Unsupported, Unavailable)):
        list(asks_otherwise.list())


def test_folders_are_listed_by_the_first_version_too(first_version: tuple[S3Backend, FaultProxy]) -> None:
    backend, _ = first_version
    found = list(backend.children())
    assert sorted(entry.prefix for entry in found if isinstance(entry, Folder)) == ["a b/", "a/", "e/"]
    assert sorted(entry.key for entry in found if not isinstance(entry, Folder)) == ["b+c", "d%20", "z"]


def test_a_host_whose_encoded_listings_loop_is_asked_for_keys_as_they_are(place: Place) -> None:
    for key in KEYS:
        place.server.client.put_object(Bucket=place.bucket, Key=key, Body=b"")

    def looping(_: str, body: bytes) -> bytes:
        more = b"<NextContinuationToken>again</NextContinuationToken><IsTruncated>true"
        return re.sub(rb"(<NextContinuationToken>[^<]*</NextContinuationToken>)?<IsTruncated>false", more, body)

    with FaultProxy(place.server.endpoint) as proxy:
        proxy.rules = [Rule(Rewrite(looping), method="GET", target="encoding-type=url")]
        with place.open(endpoint=proxy.endpoint, contract=replace(contract("seaweedfs"), encoded=False)) as backend:
            assert sorted(stat.key for stat in backend.list()) == KEYS
            assert sorted(stat.key for stat in backend.children() if not isinstance(stat, Folder)) == ["b+c", "d%20", "z"]
        with place.open(endpoint=proxy.endpoint) as asks_otherwise, pytest.raises(Unavailable, match="repeats"):
            list(asks_otherwise.list())


def test_a_bucket_that_is_not_there_is_no_empty_listing_by_the_first_version_either(place: Place) -> None:
    away = Place(place.server, "no-such-bucket", place.provider)
    with away.open(contract=replace(contract("seaweedfs"), listing=1)) as backend, pytest.raises(NotFound):
        list(backend.list())


def written(backend: S3Backend, data: bytes) -> int:
    """Upload an object of known size, and return the number of its parts."""
    part = backend.capabilities.part_size_for(len(data))
    upload = backend.begin("large")
    numbers = range(-(-len(data) // part))
    for number in numbers:
        upload.part(number, data[number * part : (number + 1) * part])
    upload.commit()
    assert bytes(backend.get("large").data) == data
    return len(numbers)


def few_parts(place: Place, most: int) -> tuple[Rule, Contract]:
    """Return what makes a host take few parts, and its contract."""
    refused = "|".join(str(number) for number in range(most + 1, most + 9))
    rule = Rule(Status(400, "InvalidArgument"), target=rf"partNumber=({refused})(&|$)")
    return rule, replace(contract(place.provider), parts=Parts(size=5 * MIB, most=most))


def test_an_object_fits_into_as_few_parts_as_the_host_takes(place: Place) -> None:
    data = os.urandom(23 * MIB)
    rule, few = few_parts(place, 4)
    with FaultProxy(place.server.endpoint) as proxy:
        proxy.rules = [rule]
        with place.open(endpoint=proxy.endpoint, contract=few) as backend:
            assert written(backend, data) == 4
        with place.open(endpoint=proxy.endpoint, contract=replace(few, parts=Parts(size=5 * MIB))) as backend:
            with pytest.raises(Unsupported):
                written(backend, data)
            backend.unfinished()


def test_parts_end_before_the_host_cuts_their_requests(place: Place) -> None:
    data = os.urandom(11 * MIB)
    patient = replace(contract(place.provider), parts=Parts(size=16 * MIB))
    hasty = replace(patient, parts=Parts(size=16 * MIB, seconds=5))
    with FaultProxy(place.server.endpoint) as proxy:
        proxy.rules = [Rule(CutRequest(5 * MIB), method="PUT")]  # of a client that sends a MiB in a second
        with place.open(endpoint=proxy.endpoint, contract=hasty) as backend:
            assert written(backend, data) == 3
        with place.open(endpoint=proxy.endpoint, contract=patient) as backend, pytest.raises(Unavailable):
            written(backend, data)


def test_a_part_has_as_long_as_its_bytes_need_and_no_longer_than_its_host_allows(place: Place) -> None:
    from portable.backends.parts import part_seconds

    assert part_seconds(100, bound=20.0) == 20.0
    assert part_seconds(200 * MIB, bound=20.0) == 200.0
    assert part_seconds(200 * MIB, bound=20.0, most=180) == 180.0


def test_parts_are_never_smaller_than_the_host_takes_them(place: Place) -> None:
    data = os.urandom(9 * MIB)
    refusing = Parts(size=8 * MIB, smallest=8 * MIB, seconds=5)  # at a MiB in a second, no part of 8 MiB would get through
    with place.open(contract=replace(contract(place.provider), parts=refusing)) as backend:
        assert written(backend, data) == 2
        upload = backend.begin("small")
        upload.part(0, data[:MIB])
        upload.part(1, data[MIB:])
        with pytest.raises(Unsupported, match="EntityTooSmall"):
            upload.commit()


@pytest.mark.parametrize("bound", [Parts(size=5 * MIB, largest=6 * MIB, most=4), Parts(size=5 * MIB, whole=24 * MIB)])
def test_an_object_that_is_too_large_for_the_host_is_refused_before_anything_is_sent(place: Place, bound: Parts) -> None:
    with FaultProxy(place.server.endpoint) as proxy:
        proxy.rules = [Rule(CutRequest(6 * MIB), method="PUT"), Rule(Status(400), target="partNumber=5")]
        with place.open(endpoint=proxy.endpoint, contract=replace(contract(place.provider), parts=bound)) as backend:
            with pytest.raises(Unsupported, match=str(24 * MIB)):
                written(backend, bytes(24 * MIB + 1))
            assert proxy.seen() == []
            assert written(backend, bytes(20 * MIB)) == 4


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("rclone", {"tags", "versions", "restore", "locks"}), ("juicefs", {"versions", "restore", "locks", "attributes"})],
)
def test_what_a_host_does_not_keep_is_not_asked_of_it(name: str, lacking: set[str], request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(name)
    at = Place(server, server.make_bucket(), name)
    held = contract(name).held
    assert {field for field in held.__struct_fields__ if not getattr(held, field)} == lacking
    with at.behind_proxy() as (backend, proxy):
        backend.put("key", b"data")
        proxy.log.clear()
        features = backend.features
        calls: dict[str, list[Callable[[], object]]] = {
            "tags": [lambda: features.tags("key"), lambda: features.replace_tags("key", {"a": "1"})],
            "versions": [lambda: features.versions("key"), lambda: features.read_version("key", "1")],
            "restore": [lambda: features.restore("key", days=1), lambda: features.restored("key")],
            "locks": [lambda: features.lock("key")],
            "attributes": [lambda: backend.put("key", b"", attributes=Attributes(content_language="fr"))],
        }
        for field in lacking:
            for call in calls[field]:
                with pytest.raises(Unsupported):
                    call()
        assert proxy.seen() == []
        assert bytes(backend.get("key").data) == b"data"


def test_a_volume_s_objects_fit_whether_their_size_is_known_or_not(place: Place) -> None:
    rule, few = few_parts(place, 4)
    few = replace(few, parts=replace(few.parts, largest=8 * MIB))
    data = os.urandom(29 * MIB)
    with FaultProxy(place.server.endpoint) as proxy:
        proxy.rules = [rule]
        with place.open(endpoint=proxy.endpoint, contract=few) as backend:
            volume = Volume(backend, None)
            volume.write("known", data)
            volume.write("stream", (data[start : start + MIB] for start in range(0, len(data), MIB)))
            assert all(bytes(backend.get(key).data) == data for key in ("known", "stream"))
            with pytest.raises(Unsupported, match="unknown length"):
                volume.write("endless", itertools.repeat(bytes(MIB), 40))
            assert sorted(stat.key for stat in backend.list()) == ["known", "stream"]
            assert list(backend.unfinished()) == []
