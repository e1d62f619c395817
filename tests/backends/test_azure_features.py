"""What Azure blobs have beyond the five verbs."""

from collections.abc import Iterator
from typing import Any

import pytest

from portable.backends.azure import AzureBackend, open_azure
from portable.backends.azure_features import AzureFeatures
from portable.backends.location import Location
from portable.errors import ConfigurationError, Denied, InvalidKey, NotFound, PortableError, Unavailable, Unsupported
from tests.servers import Azurite


@pytest.fixture
def azure(azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureBackend]:
    """Open a store below a prefix."""
    for name, value in azurite.env("TEST_").items():
        monkeypatch.setenv(name, value)
    backend = open_azure(Location(f"az://{container}/lake", credentials="env:TEST_"), 20.0)
    yield backend
    backend.close()


@pytest.fixture
def features(azure: AzureBackend) -> AzureFeatures:
    """Put a blob, and return the features."""
    azure.put("key", b"data")
    return azure.features


def test_a_tier_is_set_and_told(features: AzureFeatures) -> None:
    assert (features.tier("key").tier, features.tier("key").is_inferred) == ("Hot", True)
    features.set_tier("key", "Cool")
    assert (features.tier("key").tier, features.tier("key").is_inferred) == ("Cool", False)


@pytest.mark.parametrize("priority", ["Standard", "High"])
def test_an_archived_blob_is_brought_back(azure: AzureBackend, features: AzureFeatures, priority: Any) -> None:
    features.set_tier("key", "Archive")
    with pytest.raises(Unsupported, match="rehydrate"):
        azure.get("key")
    with pytest.raises(ConfigurationError, match="Archive"):
        features.rehydrate("key", "Archive")
    features.rehydrate("key", "Cool", priority=priority)
    assert features.tier("key").tier == "Cool"  # at once, in the emulator
    assert bytes(azure.get("key").data) == b"data"


def test_a_tier_that_does_not_exist_is_refused(features: AzureFeatures) -> None:
    with pytest.raises(PortableError):
        features.set_tier("key", "Lukewarm")  # type: ignore[arg-type]  # on purpose


def test_snapshots_keep_what_was(azure: AzureBackend, features: AzureFeatures) -> None:
    azure.put("key and more", b"another")
    first = features.create_snapshot("key")
    azure.put("key", b"newer")
    second = features.create_snapshot("key")
    features.create_snapshot("key and more")
    azure.put("key", b"newest")
    kept = features.snapshots("key")
    assert [(revision.id, revision.size) for revision in kept] == [(first, 4), (second, 5)]
    assert all(revision.etag.startswith('"') and not revision.is_current for revision in kept)
    assert features.read_snapshot("key", first) == b"data"
    assert features.read_snapshot("key", second) == b"newer"
    with pytest.raises(NotFound):
        features.read_snapshot("key", "2020-01-01T00:00:00.0000000Z")
    assert features.snapshots("nothing") == []


def test_an_account_without_versions_has_none(features: AzureFeatures) -> None:
    assert features.versions("key") == []
    with pytest.raises(PortableError):
        features.read_version("nothing", "2020-01-01T00:00:00.0000000Z")


def test_tags_are_replaced(features: AzureFeatures) -> None:
    assert features.tags("key") == {}
    features.set_tags("key", {"owner": "lake", "step": "7"})
    assert features.tags("key") == {"owner": "lake", "step": "7"}
    features.set_tags("key", {"owner": "river"})
    assert features.tags("key") == {"owner": "river"}
    with pytest.raises(PortableError):
        features.set_tags("key", {f"tag-{number}": "" for number in range(11)})


@pytest.mark.parametrize("seconds", [None, 15])
def test_a_lease_keeps_writers_out(azure: AzureBackend, features: AzureFeatures, seconds: int | None) -> None:
    with features.lease("key", seconds) as lease:
        assert lease.id
        lease.renew()
        with pytest.raises(Denied, match="leased"):
            azure.put("key", b"other")
        with pytest.raises(Denied, match="leased"):
            azure.delete("key")
        with pytest.raises(Unavailable), features.lease("key", seconds):
            raise AssertionError
        assert bytes(azure.get("key").data) == b"data"
    azure.put("key", b"other")


def test_a_lease_is_given_up_where_the_block_fails(azure: AzureBackend, features: AzureFeatures) -> None:
    with pytest.raises(ZeroDivisionError), features.lease("key"):
        raise ZeroDivisionError
    azure.put("key", b"other")


@pytest.mark.parametrize("seconds", [0, 14, 61, -1])
def test_a_lease_has_a_length_that_the_host_takes(features: AzureFeatures, seconds: int) -> None:
    with pytest.raises(ConfigurationError, match="15 to 60"), features.lease("key", seconds):
        raise AssertionError


def test_blocks_are_told_by_who_holds_them(azure: AzureBackend, features: AzureFeatures) -> None:
    upload = azure.begin("staged")
    upload.part(0, b"1")
    upload.part(1, b"22")
    committed, staged = features.blocks("staged")
    assert (committed, [block.size for block in staged]) == ([], [1, 2])
    upload.commit()
    committed, staged = features.blocks("staged")
    assert ([block.size for block in committed], staged) == ([1, 2], [])


def test_what_is_not_there_is_not_found(features: AzureFeatures) -> None:
    for call in (
        lambda: features.tier("nothing"),
        lambda: features.set_tier("nothing", "Cool"),
        lambda: features.create_snapshot("nothing"),
        lambda: features.tags("nothing"),
        lambda: features.blocks("nothing"),
        lambda: features.lease("nothing").__enter__(),
    ):
        with pytest.raises(NotFound, match="nothing"):
            call()
    with pytest.raises(InvalidKey):
        features.tier("../other")
