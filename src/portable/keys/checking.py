"""Who really opens a keyring: each recipient, tried with the identities at hand."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from portable.errors import KeysError, PortableError, UnlockFailed
from portable.keys.keyring import Keyring
from portable.keys.payload import open_body
from portable.keys.recipient import Identity, RecipientRecord
from portable.keys.volume_keys import VolumeKeys

Outcome = Literal["opened", "not tested", "failed"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one recipient."""

    recipient: RecipientRecord
    outcome: Outcome
    reason: str = ""
    """Why it was not tested, or how it failed."""
    volumes: tuple[str, ...] = ()
    """The names of the volumes whose keys it opened."""
    volume_ids: tuple[str, ...] = ()
    """Their ids (hexadecimal), in the same order."""


def check(keyring: Keyring, identity: Identity, required: Collection[bytes] = ()) -> tuple[Checked, ...]:
    """Try every recipient of a keyring with an identity.

    A recipient that the identity is not made for was not tested: that says nothing of whether it opens. Those named by
    `required` (ids, 16 bytes each) are expected to open, and failed if they were not tested. One whose protector opens, and
    whose root key, or body, or a volume in it does not, failed.
    """
    return tuple(_try(keyring, recipient, identity, required=recipient.id in required) for recipient in keyring.recipients)


def _try(keyring: Keyring, recipient: RecipientRecord, identity: Identity, *, required: bool) -> Checked:
    untested: Outcome = "failed" if required else "not tested"
    try:
        seed = recipient.seed(identity, keyring=keyring.id)
    except KeysError as error:
        return Checked(recipient, untested if isinstance(error, UnlockFailed) else "failed", str(error))
    except PortableError as error:
        # The service or the token gave no answer, and nothing was learned of the recipient.
        return Checked(recipient, untested, str(error))
    if seed is None:
        return Checked(recipient, untested, "no identity of this kind is at hand")
    try:
        root = recipient.open(seed, keyring=keyring.id, root_id=keyring.payload.root_id)
        volumes = tuple(VolumeKeys(record) for record in open_body(keyring.payload, root).volumes)
    except KeysError as error:
        return Checked(recipient, "failed", str(error))
    return Checked(
        recipient,
        "opened",
        volumes=tuple(volume.name for volume in volumes),
        volume_ids=tuple(volume.volume_id.hex() for volume in volumes),
    )
