"""`portable catalog init` and `add`: an empty catalog, and the first entry of a volume."""

from typing import Annotated

import msgspec
import typer

from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.cli.catalog.options import DEFAULT_LEASE, AuthorityPath, CatalogPath, StorageClass, VolumeName, authority_file
from portable.cli.identity import AskedIdentity
from portable.cli.store_options import StoreOptions, takes
from portable.errors import AlreadyExists, ConfigurationError
from portable.keys.authority import Authority
from portable.opening import volume_keys


def init(catalog: CatalogPath) -> None:
    """Make an empty catalog. Overwrites nothing.

    Example: portable catalog init catalog.json
    """
    LocalCatalog(catalog).create()


@takes(StoreOptions)
def add(
    catalog: CatalogPath,
    name: VolumeName,
    url: Annotated[str, typer.Argument(metavar="URL", help="The store that is its home: az://, s3:// or file:///.")],
    store: StoreOptions,
    authority: AuthorityPath = None,
    lease: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.5, help="How long clients may use the entry.")
    ] = DEFAULT_LEASE,
    storage_class: StorageClass = None,
) -> None:
    """Add the entry of a volume, signed. Without --keyring the store is in clear.

    Example: portable catalog add catalog.json lake az://lake --account hdhlake --credentials env:LAKE_
    """
    opened = LocalCatalog(catalog)
    if name in opened.names():
        raise AlreadyExists(
            f"the catalog {opened.path} has an entry {name!r} already: `portable catalog set` changes how its home is "
            "described, and a migration moves it"
        )
    home = Home(
        url=url,
        mode="clear",
        endpoint=store.endpoint,
        region=store.region,
        account=store.account,
        credentials=store.credentials,
        provider=store.provider,
        storage_class=storage_class,
    )
    _ = home.location  # refuses what is no store's address, before anything is unlocked
    if store.keyring is None and store.volume is not None:
        raise ConfigurationError("--volume names a volume of a keyring: say --keyring too")
    signer = Authority.load(authority_file(authority, store.keyring, opened.path), AskedIdentity.of_authority())
    if store.keyring is not None:
        in_keyring = store.volume or name
        keys = volume_keys(store.keyring, in_keyring, authority=signer.fingerprint, identity=AskedIdentity())
        home = msgspec.structs.replace(
            home, mode="sealed", keyring=opened.reference(store.keyring), volume=in_keyring, volume_id=keys.volume_id.hex()
        )
    entry = first_entry(name, home, lease=lease, authority=signer.fingerprint)
    opened.compare_and_swap(name, None, sign_entry(entry, signer), signer.fingerprint)
