"""Custody: any m of n officers (2 <= m <= n <= 5) open a keyring together, and fewer learn nothing of its seed.

For each set of m officers the seed is split anew into m shares whose XOR it is; each share is sealed to its officer's public
key. All but one share of a split are random, so any m - 1 of them are independent of the seed; no random byte is used in two
splits, so the shares of several splits say no more together. Source: Ito, Saito, Nishizeki, Secret sharing scheme realizing
general access structure (1987).
"""

import functools
import hmac
import os
from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb
from typing import Annotated, Final

from msgspec import Meta, Struct

from portable.errors import ConfigurationError, UnlockFailed
from portable.keys.derivation import LABEL, derive
from portable.keys.fields import Bytes32
from portable.keys.identity_file import IdentityFile, key_id
from portable.keys.kem import OVERHEAD, SEED_LENGTH, KeyPair, seal
from portable.keys.secrecy import KeepsSecrets

FEWEST: Final = 2
MOST: Final = 5
"""Officers that are needed at least, and officers that there are at most: 5 make 10 sets of 3."""

SealedShare = Annotated[bytes, Meta(min_length=SEED_LENGTH + OVERHEAD, max_length=SEED_LENGTH + OVERHEAD)]


class CustodyProtector(Struct, tag_field="type", tag="custody", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A seed of 32 bytes that `threshold` of the officers open.

    `shares` has one tuple for each set of `threshold` officers, in the order of `itertools.combinations`, and in it one sealed
    share for each officer of the set.
    """

    threshold: Annotated[int, Meta(ge=FEWEST, le=MOST)]
    officers: Annotated[tuple[Bytes32, ...], Meta(min_length=FEWEST, max_length=MOST)]
    shares: tuple[tuple[SealedShare, ...], ...]
    commitment: Bytes32

    def __post_init__(self) -> None:
        if len(set(self.officers)) != len(self.officers):
            raise ValueError("an officer stands twice")
        # Where the threshold exceeds the officers there is no set of them at all.
        sets = comb(len(self.officers), self.threshold)
        if not sets or [len(split) for split in self.shares] != [self.threshold] * sets:
            raise ValueError("there is not one share for each officer of each set")


class CustodyRecipient:
    """Officers, known by their public keys, of whom any `threshold` open together. Raises: ConfigurationError."""

    __slots__ = ("_officers", "_threshold")

    def __init__(self, officers: Sequence[bytes], threshold: int) -> None:
        if len(set(officers)) != len(officers):
            raise ConfigurationError("an officer is named twice: each holds an identity of their own")
        if not FEWEST <= threshold <= len(officers) <= MOST:
            raise ConfigurationError(
                f"custody by {threshold} of {len(officers)} officers is refused: at least {FEWEST} open together, and there "
                f"are at most {MOST}; who may open alone is a recipient of their own"
            )
        self._officers = tuple(officers)
        self._threshold = threshold

    def enroll(self, binding: bytes) -> tuple[bytes, CustodyProtector]:
        """Make a key pair; returns its public key and its seed, split and sealed. Raises: KeysError (not a public key)."""
        seed = os.urandom(SEED_LENGTH)
        ids = tuple(map(key_id, self._officers))
        shares = tuple(
            tuple(
                seal(share, officer, _info(self._threshold, ids, number, place, binding))
                for place, (officer, share) in enumerate(zip(members, _split(seed, self._threshold), strict=True))
            )
            for number, members in enumerate(combinations(self._officers, self._threshold))
        )
        protector = CustodyProtector(
            threshold=self._threshold, officers=ids, shares=shares, commitment=_commitment(seed, binding)
        )
        return KeyPair(seed).public_key, protector


class CustodyIdentity(KeepsSecrets):
    """Officers who are present with their identity files."""

    __slots__ = ("_present",)

    def __init__(self, officers: Iterable[IdentityFile]) -> None:
        self._present = {officer.key_id: officer for officer in officers}

    def seed(self, protector: object, binding: bytes) -> bytes | None:
        """Return the seed, or None where the protector is not custody. Raises: UnlockFailed (too few officers, or altered)."""
        if not isinstance(protector, CustodyProtector):
            return None
        places = [place for place, officer in enumerate(protector.officers) if officer in self._present]
        if len(places) < protector.threshold:
            raise UnlockFailed(_too_few(protector, len(places)))
        members = tuple(places[: protector.threshold])
        number = list(combinations(range(len(protector.officers)), protector.threshold)).index(members)
        shares = [
            self._present[protector.officers[member]].open(
                share, _info(protector.threshold, protector.officers, number, place, binding)
            )
            for place, (member, share) in enumerate(zip(members, protector.shares[number], strict=True))
        ]
        seed = functools.reduce(_xor, shares)
        if not hmac.compare_digest(_commitment(seed, binding), protector.commitment):
            raise UnlockFailed("the officers' shares do not make the seed: they were altered, or moved here")
        return seed


def _split(seed: bytes, count: int) -> list[bytes]:
    random = [os.urandom(len(seed)) for _ in range(count - 1)]
    return [*random, functools.reduce(_xor, random, seed)]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _commitment(seed: bytes, binding: bytes) -> bytes:
    return derive(seed, salt=b"", purpose=b"custody/commitment" + binding)


def _info(threshold: int, officers: tuple[bytes, ...], number: int, place: int, binding: bytes) -> bytes:
    """Bind a share to the whole arrangement, and to its place in it."""
    return LABEL + b"custody" + bytes([threshold, len(officers)]) + b"".join(officers) + bytes([number, place]) + binding


def _too_few(protector: CustodyProtector, present: int) -> str:
    return (
        f"{protector.threshold} of the {len(protector.officers)} officers open this together, and {present or 'none'} of them "
        f"{'is' if present <= 1 else 'are'} here: {protector.threshold - present} missing"
    )
