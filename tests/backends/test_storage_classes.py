"""Objects are written in the storage class that was asked for, by the host's own name or as a tier; never in another one."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.azure import AzureBackend
from portable.backends.credentials import AzureCredentials, S3Credentials
from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.backends.s3 import S3Backend
from portable.backends.storage_classes import AZURE, TIERS, chosen_class
from portable.backends.traits import Storage, contract, providers
from portable.catalog.entry import Home
from portable.errors import ConfigurationError
from tests.backends.s3_opening import Place
from tests.docs.backend_tables import PAGE
from tests.servers import Azurite, Moto, Rclone


def written(backend: Backend) -> None:
    backend.put("small", b"data")
    upload = backend.begin("large")
    upload.part(0, b"data")
    upload.commit()


@pytest.mark.parametrize(
    ("asked", "stands"), [(None, "STANDARD"), ("cool", "STANDARD_IA"), ("archive", "GLACIER"), ("ONEZONE_IA", "ONEZONE_IA")]
)
def test_what_is_written_stands_in_the_class_that_was_asked_for(moto: Moto, asked: str | None, stands: str) -> None:
    with Place(moto, moto.make_bucket(), "moto").open(storage_class=asked) as backend:
        written(backend)
        assert {stat.key: stat.details["storage_class"] for stat in backend.inventory()} == {"small": stands, "large": stands}
        assert backend.features.storage_class("large") == stands


@pytest.mark.parametrize(("asked", "stands"), [("hot", "Hot"), ("cool", "Cool"), ("Cool", "Cool")])
def test_azure_s_tiers_are_its_storage_classes(azurite: Azurite, container: str, asked: str, stands: str) -> None:
    credentials = AzureCredentials(azurite.account, azurite.endpoint, azurite.account_key)
    backend = AzureBackend(Location(f"az://{container}", storage_class=asked), credentials)
    written(backend)
    assert {stat.details["tier"] for stat in backend.inventory()} == {stands}
    backend.close()


@pytest.mark.parametrize("asked", ["Cool", "COOL", "standard_ia", "BOGUS", ""])
def test_a_class_that_the_host_has_not_is_refused_by_name_when_the_store_is_opened(asked: str) -> None:
    location = Location("s3://lake", provider="scaleway", storage_class=asked)
    with pytest.raises(ConfigurationError, match=rf"s3://lake.*no storage class '{asked}'.*STANDARD, ONEZONE_IA, GLACIER"):
        S3Backend(location, S3Credentials("http://127.0.0.1:1", "r", "a", "s"))


def test_a_host_that_would_ignore_the_class_is_not_asked_for_it(rclone: Rclone) -> None:
    place = Place(rclone, rclone.make_bucket(), "rclone")
    place.server.client.put_object(Bucket=place.bucket, Key="key", StorageClass="GLACIER")
    assert place.server.client.list_objects_v2(Bucket=place.bucket)["Contents"][0]["StorageClass"] == "STANDARD"
    for asked in ("GLACIER", "archive"):
        with pytest.raises(ConfigurationError, match="STANDARD"), place.open(storage_class=asked):
            pass
    with place.open(storage_class="hot") as backend:
        backend.put("key", b"")


@pytest.mark.parametrize("url", ["file:///lake", "memory://lake", "fsspec+s3://lake"])
def test_a_store_without_storage_classes_is_not_given_one(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no storage classes"):
        Location(url, storage_class="cool")


def test_a_home_in_the_catalog_says_in_which_class_its_objects_are_written() -> None:
    home = Home(url="s3://lake", mode="clear", storage_class="cool")
    assert msgspec.json.decode(msgspec.json.encode(home), type=Home).location.storage_class == "cool"
    assert b"storage_class" not in msgspec.json.encode(Home(url="s3://lake", mode="clear"))


@given(st.sampled_from(TIERS), st.builds(Storage, classes=st.sets(st.sampled_from(Storage().classes), min_size=1).map(tuple)))
def test_a_tier_means_its_class_or_nothing(tier: str, storage: Storage) -> None:
    means = getattr(storage, tier)
    if means in storage.classes:
        assert chosen_class(tier, storage, url="s3://lake") == means
    else:
        with pytest.raises(ConfigurationError, match=f"tier '{tier}'"):
            chosen_class(tier, storage, url="s3://lake")


def test_what_is_hot_can_be_written_everywhere() -> None:
    for storage in (AZURE, *(contract(name).storage for name in providers())):
        assert storage.hot in storage.classes


def test_the_reference_tells_what_each_tier_means() -> None:
    hosts = (contract("aws").storage, contract("scaleway").storage, AZURE)
    rows = re.findall(r"^\| `([a-z]+)`: .* \| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(tier, *(getattr(storage, tier) for storage in hosts)) for tier in TIERS]
