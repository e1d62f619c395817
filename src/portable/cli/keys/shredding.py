"""`portable keys shred`: the keys of a volume are destroyed, and every claim about it is signed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from portable.cli.confirmation import confirm
from portable.cli.keys.facts import keyring_facts, report
from portable.cli.keys.options import AsJson, KeyringPath, Signing, VolumeName, remember
from portable.cli.store_options import takes
from portable.errors import ConfigurationError, KeysError, RefusedError, UnknownEpoch
from portable.keys.generations import previous, remove_earlier
from portable.keys.keyring import Keyring
from portable.keys.shredding import OUT_OF_REACH, Shredding
from portable.keys.shredding_log import ShreddingLog


@takes(Signing, "signing")
def shred(
    keyring: KeyringPath,
    name: VolumeName,
    signing: Signing,
    copy: Annotated[
        list[str] | None,
        typer.Option("--copy", metavar="COPY", help="A copy of the keyring: its path, or words for it. May be given again."),
    ] = None,
    no_copies: Annotated[bool, typer.Option("--no-copies", help="State that no copy of the keyring exists.")] = False,
    confirm_destroyed: Annotated[
        list[str] | None,
        typer.Option("--confirm-destroyed", metavar="COPY", help="State that this copy is destroyed. May be given again."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Destroy the keys of a volume, so that nobody reads what was encrypted under them. This cannot be undone.

    It asks for the volume's name on standard input, takes the keys out of the keyring, removes KEYRING.prev, and records in
    KEYRING.shreddings that the shredding is requested. It is destroyed when every copy is confirmed destroyed.

    Example: portable keys shred keyring.json lake --copy /media/safe/keyring.json --copy "paper, bank vault 12"
    """
    locked = signing.read(keyring)
    log = ShreddingLog(keyring, locked.authority.fingerprint)
    if confirm_destroyed:
        if copy or no_copies:
            raise ConfigurationError("list copies with --copy first, and confirm them destroyed with another command")
        shredding = _confirm(keyring, name, log, signing, confirm_destroyed)
    else:
        shredding = _remove(keyring, locked, name, log, signing, copy or [], no_copies=no_copies)
    report({**keyring_facts(Keyring(keyring.read_bytes())), **_facts(shredding), "record": str(log.file)}, as_json=as_json)


def _remove(
    keyring: Path, locked: Keyring, name: str, log: ShreddingLog, signing: Signing, copies: list[str], *, no_copies: bool
) -> Shredding:
    """Take the keys out, or take up where an earlier command ended: recorded as requested, saved, recorded as removed."""
    _refuse_itself(keyring, copies)
    identity = signing.asked()
    unlocked = locked.unlock(identity)
    held = next((keys for keys in unlocked.volumes if keys.name == name), None)
    known = log.latest(name)
    if held is None and known is None:
        raise UnknownEpoch(f"the keyring holds no volume {name!r}, and no shredding of one is recorded")
    if held is not None:
        if not copies and not no_copies and (known is None or known.volume_id != held.volume_id):
            raise ConfigurationError(
                "list every copy of the keyring with --copy (backups, other machines, paper), or state --no-copies"
            )
        confirm(
            name, f"This destroys the keys of volume {name!r}: what is encrypted under them is lost for ever, at every host."
        )
    signer = signing.signer(keyring, identity.word)

    def requested(before: Shredding | None) -> Shredding:
        if before is not None and (held is None or before.volume_id == held.volume_id):
            return before.with_copies(copies)
        if held is None:
            raise RefusedError(f"the record of the shredding of {name!r} is gone: {log.file}")
        return Shredding.request(held, keyring=locked.id, copies=copies)

    shredding = log.record(name, requested, signer)
    if held is None and shredding.removed_in is not None:
        return shredding
    if held is not None:
        unlocked.remove_volume(name)
        unlocked.save(keyring, signer, keep_previous=False)
        remember(unlocked)
    else:
        remove_earlier(keyring)
    return log.record(name, lambda before: (before or shredding).removed(unlocked.generation), signer)


def _confirm(keyring: Path, name: str, log: ShreddingLog, signing: Signing, copies: list[str]) -> Shredding:
    """Record that copies are destroyed. Where a path of this machine is named, no file may be there that may hold the keys."""

    def confirmed(before: Shredding | None) -> Shredding:
        if before is None:
            raise RefusedError(f"no shredding of {name!r} is requested: `portable keys shred KEYRING {name}` requests one")
        for each in copies:
            if not _is_rid_of(Path(each), before, log.authority):
                raise RefusedError(
                    f"{each} still exists: destroy it, or put the present generation of the keyring there, first"
                )
        return before.confirmed(copies)

    return log.record(name, confirmed, signing.signer(keyring))


def _is_rid_of(path: Path, shredding: Shredding, authority: str) -> bool:
    """Tell whether the keys are gone from a path: nothing is there, or a generation of the keyring that lacks the volume."""
    if previous(path).exists():
        return False
    if not path.exists():
        return True
    try:
        found = Keyring.read(path, authority=authority)
    except (KeysError, ConfigurationError):
        return False
    return found.id == shredding.keyring and shredding.removed_in is not None and found.generation >= shredding.removed_in


def _refuse_itself(keyring: Path, copies: list[str]) -> None:
    """Raise ConfigurationError where the keyring, or the generation kept beside it, is listed as a copy."""
    own = {path.resolve() for path in (keyring, previous(keyring))}
    for each in copies:
        if Path(each).resolve() in own:
            raise ConfigurationError(f"{each} is the keyring itself, which this command takes care of: list other copies")


def _facts(shredding: Shredding) -> dict[str, Any]:
    return {
        "volume": shredding.volume,
        "volume_id": shredding.volume_id.hex(),
        "state": shredding.state,
        "requested": shredding.requested.isoformat(),
        "removed_in": shredding.removed_in,
        "copies": [
            {"copy": copy.name, "destroyed": copy.destroyed.isoformat() if copy.destroyed else None}
            for copy in shredding.copies
        ],
        "outstanding": list(shredding.outstanding),
        "out_of_reach": list(OUT_OF_REACH),
    }
