"""Catalogs of volumes: one with two lakes for each test, and one for the run with a volume of each kind at each place."""

import pytest

from portable.filesystem import PortableFileSystem
from tests.filesystem.catalogs import KINDS, Catalog
from tests.filesystem.places import PLACES

VOLUMES = [f"{place}-{kind}" for place in PLACES for kind in KINDS]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leave two thirds of fsspec's suite, which match paths, to `make test-long` but for volumes in memory."""
    for item in items:
        matches = getattr(item, "originalname", "").endswith("_glob_edge_cases")
        if matches and not item.callspec.params["volume"].startswith("memory"):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Make the catalog that the tests of a run share."""
    return Catalog(tmp_path_factory.mktemp("catalog") / "shared")


@pytest.fixture(scope="session")
def shared_filesystem(shared):
    """Open the catalog that the tests of a run share, as a filesystem."""
    return PortableFileSystem(**shared.options, skip_instance_cache=True)


@pytest.fixture(scope="session", params=VOLUMES)
def volume(request, shared, shared_filesystem, tmp_path_factory):
    """Name a volume of the shared catalog: one of each kind at each place."""
    place, _, kind = request.param.partition("-")
    address, variables = PLACES[place](request.getfixturevalue, tmp_path_factory.mktemp("store"))
    shared.add(request.param, shared.home(kind=kind, **address))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (variables | shared.environment).items():
            patch.setenv(name, value)
        shared_filesystem.volume(request.param)  # what the environment names is read once
        shared_filesystem.exists(f"{request.param}/x")
    return request.param


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Make a catalog for this test, and let the environment open its keyring."""
    catalog = Catalog(tmp_path / "own")
    monkeypatch.setenv("PORTABLE_CATALOG", str(catalog.local.path))
    for name, value in catalog.environment.items():
        monkeypatch.setenv(name, value)
    PortableFileSystem.clear_instance_cache()
    yield catalog
    PortableFileSystem.clear_instance_cache()


@pytest.fixture
def lakes(own, monkeypatch, seaweedfs, azurite, bucket, container):
    """Configure this process for `portable://sealed`, at S3, and `portable://clear`, at Azure; return their names."""
    for name, value in {**seaweedfs.env("S3_"), **azurite.env("AZ_")}.items():
        monkeypatch.setenv(name, value)
    own.add("sealed", own.home(f"s3://{bucket}/root", "sealed", endpoint=seaweedfs.endpoint, credentials="env:S3_"))
    own.add("clear", own.home(f"az://{container}", "clear", credentials="env:AZ_"))
    return "sealed", "clear"
