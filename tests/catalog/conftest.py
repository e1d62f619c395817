import pytest

from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.keys.authority import Authority

OLD = Home(url="az://lake", mode="clear")


@pytest.fixture(scope="session")
def authority():
    return Authority.generate()


@pytest.fixture
def catalog(tmp_path):
    catalog = LocalCatalog(tmp_path / "catalog.json")
    catalog.create()
    return catalog


@pytest.fixture
def first(authority):
    return first_entry("lake", OLD, lease=10.0, authority=authority.fingerprint)


@pytest.fixture
def swap(catalog, authority):
    def swap(standing, entry, signer=authority):
        expected = standing and standing.write_id
        catalog.compare_and_swap(entry.name, expected, sign_entry(entry, signer), authority.fingerprint)
        return entry

    return swap
