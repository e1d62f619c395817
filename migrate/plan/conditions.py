"""Conditions outside of the objects: what stands at the target, keyring and catalog. Reads, and writes nothing."""

from collections.abc import Iterator

from migrate.engine import Migration
from migrate.findings import KINDS, Finding
from migrate.inventory import listed_at
from portable.backends.location import same_store
from portable.catalog.local import LocalCatalog
from portable.errors import (
    ConfigurationError,
    Denied,
    NotFound,
    PortableError,
    RefusedError,
    RetryableError,
    Unsupported,
    UntrustedSignature,
)
from portable.volume import Volume


def keyring_findings(migration: Migration) -> Iterator[Finding]:
    """Check the keyring's signatures and, where an identity is at hand, that it opens and holds the volume.

    Raises: ConfigurationError, KeysError.
    """
    signed = migration.keyring
    if migration.can_unlock:
        _ = migration.keys
    else:
        note = f"generation {signed.generation}, signed by {signed.authority.fingerprint}"
        yield Finding(KINDS["keyring-locked"], note=note)


def target_findings(migration: Migration) -> Iterator[Finding]:
    """List the target into the journal, and say what stands there that this migration did not write."""
    journal, backend = migration.journal, migration.target_backend
    capabilities = backend.capabilities
    missing = [name for name in ("conditional_create", "conditional_replace") if not getattr(capabilities, name)]
    if missing:
        yield Finding(KINDS["target-conditions"], note=f"the host cannot do: {', '.join(missing).replace('_', ' ')}")
    if not capabilities.conditional_delete:
        yield Finding(KINDS["target-deletions"], note="the host cannot do: conditional delete")
    try:
        # Without keys, what stands there is taken by its stored names.
        target = migration.target if migration.can_unlock else Volume(backend, None)
        journal.scan("target", listed_at(target))
    except (Denied, NotFound, RetryableError, Unsupported) as error:
        yield Finding(KINDS["target-unreadable"], note=_in_words(error))
        return
    occupied, others = Finding(KINDS["target-occupied"]), Finding(KINDS["target-not-empty"])
    for extra in journal.extras():
        item = journal.item(extra.key)
        wanted = item is not None and not extra.variant and item.state not in ("skipped", "vanished")
        (occupied if wanted else others).add(extra.key, extra.size)
    yield occupied
    yield others


def catalog_findings(migration: Migration) -> Iterator[Finding]:
    """Say what keeps the cutover from flipping the catalog's entry."""
    declared = migration.declaration
    catalog = LocalCatalog(declared.catalog_path)
    try:
        entry = catalog.read(declared.catalog.name, migration.keyring.authority.fingerprint)
    except (ConfigurationError, NotFound, UntrustedSignature) as error:
        yield Finding(KINDS["catalog-entry"], note=_in_words(error))
        return
    if not same_store(entry.home.location, declared.source.location):
        where = " (the target: the volume has moved)" if same_store(entry.home.location, declared.target.location) else ""
        yield Finding(KINDS["catalog-home"], note=f"the home is {entry.home.url}{where}, phase {entry.phase}")


def require_unmoved(migration: Migration) -> None:
    """Raise RefusedError once the volume's home is the target: what clients write there is not the migration's to replace.

    A catalog or an entry that does not exist yet is no objection. Raises: ConfigurationError, UntrustedSignature.
    """
    declared = migration.declaration
    try:
        entry = LocalCatalog(declared.catalog_path).read(declared.catalog.name, migration.keyring.authority.fingerprint)
    except NotFound:
        return
    if same_store(entry.home.location, declared.target.location):
        raise RefusedError(
            f"the home of volume {entry.name!r} is {entry.home.url} already: the migration is finished, and copying again "
            "could replace what clients have written there"
        )


def _in_words(error: PortableError) -> str:
    return f"{error.kind}: {error}"
