"""`portable keys show` and `export-volume-key`: what a keyring says, and what can be taken out of it."""

from pathlib import Path
from typing import Annotated

import typer

from portable.cli.keys.facts import keyring_facts, recipient_facts, report, volume_facts
from portable.cli.keys.options import AsJson, KeyringPath, Pin, Unlocking, VolumeName
from portable.cli.store_options import takes
from portable.errors import AlreadyExists
from portable.keys import export
from portable.keys.durable import create_durably
from portable.keys.keyring import Keyring


@takes(Unlocking, "unlocking")
def show(
    keyring: KeyringPath,
    unlocking: Unlocking,
    volumes: Annotated[bool, typer.Option("--volumes", help="Unlock the keyring and list its volumes too.")] = False,
    pin: Pin = None,
    as_json: AsJson = False,
) -> None:
    """Check a keyring's signatures and show what it says; no passphrase is needed for that.

    Example: portable keys show keyring.json --volumes --json
    """
    locked = Keyring.read(keyring, authority=pin)
    facts = keyring_facts(locked)
    facts["pinned"] = pin is not None
    facts["recipients"] = [recipient_facts(recipient) for recipient in locked.recipients]
    if volumes:
        facts["volumes"] = [volume_facts(keys) for keys in locked.unlock(unlocking.asked()).volumes]
    report(facts, as_json=as_json)


@takes(Unlocking, "unlocking")
def export_volume_key(
    keyring: KeyringPath,
    name: VolumeName,
    unlocking: Unlocking,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file, made with mode 0600.")],
    pin: Pin = None,
    as_json: AsJson = False,
) -> None:
    """Write the epoch keys of a volume in clear, for any public AWS Encryption SDK: whoever has the file reads the volume.

    Example: portable keys export-volume-key keyring.json lake --out /media/safe/lake-keys.json
    """
    locked = Keyring.read(keyring, authority=pin)
    if out.exists():
        raise AlreadyExists(f"{out} exists; it is not overwritten")
    keys = locked.unlock(unlocking.asked()).volume(name)
    create_durably(out, export.export_volume_key(keys))
    report({**volume_facts(keys), "out": str(out)}, as_json=as_json)
