"""`portable keys check` and `drill`: whether the keys are really of use, tried before they are needed."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from portable.backends.location import Location
from portable.cli.keys.facts import keyring_facts, recipient_facts, report
from portable.cli.keys.options import AsJson, KeyringPath, Pin, Unlocking, VolumeName
from portable.cli.keys.recipients import named
from portable.cli.keys.sampling import read_sample
from portable.cli.store_options import HostOptions, takes
from portable.keys import checking
from portable.keys.durable import create_durably, read_within
from portable.keys.keyring import Keyring
from portable.keys.signed import DOCUMENT_LIMIT
from portable.opening import backend_at
from portable.volume import Volume


@takes(Unlocking, "unlocking")
def check(
    keyring: KeyringPath,
    unlocking: Unlocking,
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient", metavar="RECIPIENT", help="This one (label or id) must open, and failed if it was not tested."
        ),
    ] = None,
    pin: Pin = None,
    as_json: AsJson = False,
) -> None:
    """Try every recipient with the identities at hand: which ones open the keyring and every volume in it.

    Exit status 1 if one that was tested failed, or if none opened.

    Example: portable keys check keyring.json --identity etl-1.identity --recipient etl-1
    """
    locked = Keyring.read(keyring, authority=pin)
    required = [named(locked, word).id for word in recipient or ()]
    tried = checking.check(locked, unlocking.asked(), required)
    facts = keyring_facts(locked)
    facts["recipients"] = [
        {**recipient_facts(each.recipient), "outcome": each.outcome, "reason": each.reason, "volumes": list(each.volumes)}
        for each in tried
    ]
    report(facts, as_json=as_json)
    outcomes = {each.outcome for each in tried}
    if "failed" in outcomes or "opened" not in outcomes:
        raise typer.Exit(1)


@takes(HostOptions, "host")
@takes(Unlocking, "unlocking")
def drill(
    keyring: KeyringPath,
    name: VolumeName,
    url: Annotated[str, typer.Argument(metavar="URL", help="The store of the volume: az://, s3:// or file:///.")],
    unlocking: Unlocking,
    host: HostOptions,
    sample: Annotated[int, typer.Option("--sample", metavar="N", min=1, help="How many objects to read.")] = 20,
    pin: Pin = None,
    as_json: AsJson = False,
) -> None:
    """Rehearse a restore: read a random sample of objects with nothing but the keyring file, and leave nothing behind.

    The keyring is copied into an empty folder and opened there, without the catalog, the settings and the pins of this machine.
    Every object of the sample is read to its end and authenticated; its plaintext is not kept. Exit status 1 if one did not
    open, or if the store is empty.

    Example: portable keys drill keyring.json lake s3://lake-eu --region fr-par --sample 50
    """
    with tempfile.TemporaryDirectory(prefix="portable-drill-") as folder:
        copy = Path(folder) / keyring.name
        create_durably(copy, read_within(keyring, DOCUMENT_LIMIT))
        locked = Keyring.read(copy, authority=pin)
        keys = locked.unlock(unlocking.asked()).volume(name)
        volume = Volume(backend_at(Location(url=url, **asdict(host))), keys)
        try:
            results = read_sample(volume, sample)
        finally:
            volume.close()
    failed = [each for each in results if each["problem"] is not None]
    facts = keyring_facts(locked)
    facts |= {"volume": name, "url": url, "read": len(results) - len(failed), "failed": len(failed), "objects": results}
    report(facts, as_json=as_json)
    if failed or not results:
        raise typer.Exit(1)
