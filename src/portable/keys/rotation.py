"""New epochs and new root keys. Pure but for the random source: what is given stays as it is, and the change is returned."""

import os
from collections.abc import Collection, Iterable
from typing import Final

from msgspec.structs import replace

from portable.errors import UnknownEpoch
from portable.keys.recipient import ROOT_LENGTH, RecipientRecord
from portable.keys.volume_keys import EpochKey, EpochState, VolumeRecord

AFTER: Final[dict[EpochState, EpochState]] = {"active": "readable", "readable": "readable", "compromised": "compromised"}
"""What becomes of an epoch when the next one begins. A compromised epoch is never trusted again."""


def with_new_epoch(volume: VolumeRecord, compromised: Collection[bytes] = ()) -> VolumeRecord:
    """Return the volume with a new active epoch. The epochs named by `compromised` (ids, 8 bytes each) are refused from now on.

    Raises: UnknownEpoch (the volume has no such epoch).
    """
    unknown = set(compromised) - {epoch.id for epoch in volume.epochs}
    if unknown:
        raise UnknownEpoch(f"volume {volume.name!r} has no epoch {', '.join(sorted(each.hex() for each in unknown))}")
    before = tuple(
        replace(epoch, state="compromised" if epoch.id in compromised else AFTER[epoch.state]) for epoch in volume.epochs
    )
    return replace(volume, epochs=(*before, EpochKey.generate()))


def with_new_root(recipients: Iterable[RecipientRecord], *, keyring: bytes) -> tuple[bytes, bytes, tuple[RecipientRecord, ...]]:
    """Make a new root key for the keyring with this id (16 bytes), and wrap it to each recipient's public key.

    Returns the root's id (16 bytes), the root key (32 bytes) and the recipients. Nobody has to be present.
    """
    root_id, root = os.urandom(16), os.urandom(ROOT_LENGTH)
    return root_id, root, tuple(each.wrapped_anew(keyring=keyring, root_id=root_id, root=root) for each in recipients)
