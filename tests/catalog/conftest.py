import pytest

from portable.catalog.entry import Entry, Home, new_write_id, sign_entry
from portable.catalog.local import LocalCatalog
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
    return Entry(
        name="lake",
        generation=1,
        write_id=new_write_id(),
        phase="active",
        home=OLD,
        lease=10.0,
        authority=authority.fingerprint,
    )


@pytest.fixture
def swap(catalog, authority):
    def swap(standing, entry, signer=authority):
        expected = standing and standing.write_id
        catalog.compare_and_swap(entry.name, expected, sign_entry(entry, signer), authority.fingerprint)
        return entry

    return swap
