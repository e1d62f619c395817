"""What the conformance suite needs to know of one way to keep a recipient's seed, and what it looks for in every refusal."""

import base64
import pickle
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from portable.errors import PortableError
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.recipient import Identity, Recipient


@dataclass(frozen=True)
class Provider:
    """A recipient, the identity that opens what is wrapped to it, and one of the same kind that does not.

    `hints` are fields of the protector that are shown to people and never followed. `keeps_seed` is false where the keyring
    holds nothing of the seed, so that its protector has nothing to bind.
    """

    recipient: Recipient
    identity: Identity
    stranger: Identity
    secrets: tuple[bytes, ...]
    hints: frozenset[str] = frozenset()
    keeps_seed: bool = True


def saved_keyring(path: Path, authority: Authority, *recipients: Recipient) -> Keyring:
    """Save a keyring with the volume "lake" for these recipients, and read it as a client does."""
    Keyring.create(authority, recipients=recipients, volumes=["lake"]).save(path, authority)
    return Keyring.read(path, authority=authority.fingerprint)


def assert_shows_none_of(secrets: Sequence[bytes], text: str) -> None:
    for secret in secrets:
        assert len(secret) >= 8
        for form in (secret.decode(errors="replace"), secret.hex(), base64.b64encode(secret).decode(), repr(secret)[2:-1]):
            assert form not in text


def assert_pickles_none_of(secrets: Sequence[bytes], holder: object) -> None:
    """Whoever holds a secret is not pickled at all; what else is, holds none."""
    try:
        pickled = pickle.dumps(holder)
    except TypeError:
        return
    assert all(secret not in pickled for secret in secrets)


def assert_refused(
    path: Path,
    recipient_of: Keyring,
    identity: Identity,
    expected: type[PortableError],
    words: str,
    secrets: Sequence[bytes] = (),
) -> None:
    """The first recipient is refused in one line with these words, nothing secret in it, and the file stays as it is."""
    before, written = path.read_bytes(), path.stat().st_mtime_ns
    (recipient, *_) = recipient_of.recipients
    with pytest.raises(expected, match=words) as caught:
        recipient.unwrap(identity, keyring=recipient_of.id, root_id=recipient_of.payload.root_id)
    assert type(caught.value) is expected
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert_shows_none_of(secrets, "".join(traceback.format_exception(caught.value)))
    with pytest.raises(expected, match=words.removesuffix("$")) as through_keyring:
        recipient_of.unlock(identity)
    assert_shows_none_of(secrets, "".join(traceback.format_exception(through_keyring.value)))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, written)
    assert sorted(each.name for each in path.parent.glob("*keyring*") if each.suffix == ".json") == [path.name]
