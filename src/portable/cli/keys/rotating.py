"""`portable keys rotate`: a new epoch of a volume."""

from typing import Annotated, Final

import typer

from portable.cli.keys.facts import keyring_facts, report, volume_facts
from portable.cli.keys.options import AsJson, KeyringPath, Signing, VolumeName
from portable.cli.store_options import takes
from portable.errors import ConfigurationError
from portable.keys.volume_keys import VolumeKeys

_ACTIVE: Final = "active"


@takes(Signing, "signing")
def rotate(
    keyring: KeyringPath,
    name: VolumeName,
    signing: Signing,
    compromised: Annotated[
        list[str] | None,
        typer.Option(
            "--compromised",
            metavar="EPOCH",
            help="Refuse this epoch from now on, and every object in it: an id as `show --volumes` prints it, or `active`. "
            "May be given again.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Begin a new epoch of a volume. What was written before stays readable, but for epochs that are compromised.

    Writers take the new epoch up when their lease on the volume is next renewed.

    Example: portable keys rotate keyring.json lake
    """
    with signing.changing(keyring) as unlocked:
        before = unlocked.volume(name)
        keys = unlocked.rotate(name, [_epoch(before, word) for word in compromised or ()])
    report({**keyring_facts(unlocked), **volume_facts(keys)}, as_json=as_json)


def _epoch(keys: VolumeKeys, word: str) -> bytes:
    """Return the id of an epoch. Raises: ConfigurationError, UnknownEpoch."""
    if word == _ACTIVE:
        return keys.active_epoch.id
    try:
        return keys.epoch(bytes.fromhex(word)).id
    except ValueError:
        raise ConfigurationError(f"{word!r} is not an epoch: write its id (16 hexadecimal digits), or `active`") from None
