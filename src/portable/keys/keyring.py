"""Keyrings: verified when read, opened by an identity, saved as the next generation."""

import hashlib
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from portable.errors import (
    ConfigurationError,
    Denied,
    KeysError,
    PortableError,
    RefusedError,
    RetryableError,
    UnknownEpoch,
    UnlockFailed,
    UntrustedSignature,
)
from portable.keys import signed
from portable.keys.authority import Authority, AuthorityPublic
from portable.keys.durable import read_within
from portable.keys.generations import put_successor
from portable.keys.payload import PURPOSE, RECIPIENTS_LIMIT, Body, Payload, open_body, parse_payload, seal_body
from portable.keys.recipient import LABEL_PATTERN, ROOT_LENGTH, Identity, Recipient, RecipientRecord
from portable.keys.rotation import with_new_epoch, with_new_root
from portable.keys.secrecy import KeepsSecrets
from portable.keys.volume_keys import FRAME_LENGTH, Names, VolumeKeys


class Keyring:
    """A keyring whose signatures have been checked, still locked. Holds no secret."""

    __slots__ = ("authority", "document", "payload", "payload_sha256")

    def __init__(self, document: bytes, *, authority: str | None = None, minimum_generation: int = 0) -> None:
        """Check a keyring document. `authority` is the pinned fingerprint; None leaves the trust decision to the caller.

        Nothing is unwrapped and no passphrase is stretched before both signatures, the pin and the generation are right.

        Raises: UntrustedSignature (unsigned, altered, of another authority, or older than `minimum_generation`), KeysError (a
        signed payload of another shape), ConfigurationError (`authority` is not a fingerprint).
        """
        payload, self.authority = signed.verify(document, PURPOSE, authority)
        self.payload: Payload = parse_payload(payload)
        self.payload_sha256 = hashlib.sha256(payload).digest()
        self.document = document
        if self.generation < minimum_generation:
            raise UntrustedSignature(
                f"the keyring has generation {self.generation}, and generation {minimum_generation} has been seen: "
                "an old copy was put back; restore the newest one"
            )

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, authority: str | None = None, minimum_generation: int = 0) -> "Keyring":
        """Read and check a keyring file. Raises: what `Keyring` raises, and ConfigurationError (no such file)."""
        document = read_within(Path(path), signed.DOCUMENT_LIMIT)
        try:
            return cls(document, authority=authority, minimum_generation=minimum_generation)
        except UntrustedSignature as error:
            raise UntrustedSignature(f"{os.fspath(path)}: {error}") from None
        except KeysError as error:
            raise KeysError(f"{os.fspath(path)}: {error}") from None

    @staticmethod
    def create(authority: Authority, *, recipients: Sequence[Recipient], volumes: Sequence[str] = ()) -> "UnlockedKeyring":
        """Make a keyring with new random keys. It exists in memory alone until it is saved, as generation 1.

        Raises: KeysError (no recipient), ConfigurationError and RefusedError (as `UnlockedKeyring.add_volume`).
        """
        if not recipients:
            raise KeysError("a keyring without a recipient could never be opened")
        identifier, root_id, root = os.urandom(16), os.urandom(16), os.urandom(ROOT_LENGTH)
        records = tuple(
            RecipientRecord.enroll(recipient, keyring=identifier, root_id=root_id, root=root) for recipient in recipients
        )
        unlocked = UnlockedKeyring(authority.public, identifier, root_id, root, records, Body(volumes=()))
        for name in volumes:
            unlocked.add_volume(name)
        return unlocked

    @property
    def id(self) -> bytes:
        """16 random bytes that never change."""
        return self.payload.id

    @property
    def generation(self) -> int:
        """Counts the saves, from 1."""
        return self.payload.generation

    @property
    def recipients(self) -> tuple[RecipientRecord, ...]:
        """Who the root key is wrapped to."""
        return self.payload.recipients

    def unlock(self, identity: Identity) -> "UnlockedKeyring":
        """Open the keyring with the first recipient that the identity opens; each recipient is tried once at most.

        A recipient whose service or token does not answer is passed over, because another one may open.

        Raises: UnlockFailed (no recipient opens), KeysError (a recipient or the body is damaged), and where nothing else
        opened, what the service or token raised: Denied, Unavailable, ConfigurationError.
        """
        refusals: list[str] = []
        trouble: PortableError | None = None
        for recipient in self.recipients:
            try:
                root = recipient.unwrap(identity, keyring=self.id, root_id=self.payload.root_id)
            except UnlockFailed as error:
                refusals.append(str(error))
                continue
            except (Denied, RetryableError, ConfigurationError) as error:
                trouble = trouble or error
                continue
            if root is not None:
                body = open_body(self.payload, root)
                return UnlockedKeyring(self.authority, self.id, self.payload.root_id, root, self.recipients, body, saved=self)
        if trouble is not None:
            raise trouble
        if not refusals:
            raise UnlockFailed(f"keyring {self.id.hex()} has no recipient of the kind of identity at hand")
        reasons = "; ".join(dict.fromkeys(refusals))
        raise UnlockFailed(f"keyring {self.id.hex()} does not open: wrong passphrase or identity ({reasons})")

    def __repr__(self) -> str:
        return f"<Keyring {self.id.hex()} generation {self.generation}>"


class UnlockedKeyring(KeepsSecrets):
    """An open keyring: gives the keys of its volumes, and changes. Not for several threads at once."""

    __slots__ = ("_body", "_root", "_root_id", "_saved", "authority", "id", "recipients")

    def __init__(
        self,
        authority: AuthorityPublic,
        identifier: bytes,
        root_id: bytes,
        root: bytes,
        recipients: tuple[RecipientRecord, ...],
        body: Body,
        *,
        saved: Keyring | None = None,
    ) -> None:
        self.authority = authority
        self.id = identifier
        self.recipients = recipients
        self._root_id = root_id
        self._root = root
        self._body = body
        self._saved = saved

    @property
    def generation(self) -> int:
        """The generation that was read or last saved; 0 before the first save."""
        return self._saved.generation if self._saved else 0

    @property
    def volumes(self) -> tuple[VolumeKeys, ...]:
        """The keys of all volumes, in the order in which they were added."""
        return tuple(VolumeKeys(record) for record in self._body.volumes)

    def volume(self, name: str) -> VolumeKeys:
        """Return the keys of the volume with this name. Raises: UnknownEpoch."""
        for record in self._body.volumes:
            if record.name == name:
                return VolumeKeys(record)
        raise UnknownEpoch(f"keyring {self.id.hex()} (generation {self.generation}) holds no volume {name!r}")

    def add_volume(self, name: str, frame_length: int = FRAME_LENGTH, *, names: Names = "plain") -> VolumeKeys:
        """Add a volume with new random keys; takes effect for others when saved.

        Raises: RefusedError (the name is taken), ConfigurationError (the name or the frame length).
        """
        if any(record.name == name for record in self._body.volumes):
            raise RefusedError(f"the keyring holds a volume {name!r} already: choose another name")
        keys = VolumeKeys.generate(name, frame_length=frame_length, names=names)
        self._body = Body(volumes=(*self._body.volumes, keys.record))
        return keys

    def remove_volume(self, name: str) -> VolumeKeys:
        """Drop the keys of a volume and return them, the last there are of them here; takes effect when saved.

        Raises: UnknownEpoch (no such volume).
        """
        keys = self.volume(name)
        self._body = Body(volumes=tuple(record for record in self._body.volumes if record.name != name))
        return keys

    def rotate(self, name: str, compromised: Collection[bytes] = ()) -> VolumeKeys:
        """Begin a new epoch of a volume: later objects are written under its key, and earlier ones stay readable.

        The epochs named by `compromised` (ids, 8 bytes each) are refused from now on, and so is every object written in them.
        Takes effect when saved. Raises: UnknownEpoch (no such volume, or no such epoch of it).
        """
        changed = with_new_epoch(self.volume(name).record, compromised)
        self._body = Body(volumes=tuple(changed if each.name == name else each for each in self._body.volumes))
        return VolumeKeys(changed)

    def add_recipient(self, recipient: Recipient, label: str = "") -> RecipientRecord:
        """Wrap the root key to one more recipient, who opens this generation, when it is saved, and every later one.

        Raises: RefusedError (the label is taken, or the keyring is full), ConfigurationError (the label).
        """
        if not re.search(LABEL_PATTERN, label):
            raise ConfigurationError(f"{label!r} cannot label a recipient: up to 100 characters, no control characters")
        if label and any(each.label == label for each in self.recipients):
            raise RefusedError(f"a recipient is labelled {label!r} already: choose another label")
        if len(self.recipients) >= RECIPIENTS_LIMIT:
            raise RefusedError(f"the keyring has {len(self.recipients)} recipients, and holds no more: remove one first")
        record = RecipientRecord.enroll(recipient, keyring=self.id, root_id=self._root_id, root=self._root, label=label)
        self.recipients = (*self.recipients, record)
        return record

    def remove_recipient(self, identifier: bytes) -> RecipientRecord:
        """Remove the recipient with this id (16 bytes): new root key, new epoch in every volume. Nobody has to be present.

        Whoever was removed opens neither later generations nor what is written in the new epochs. What was written before stays
        readable to them, with an earlier generation, until it is encrypted again. Takes effect when saved.

        Raises: ConfigurationError (no such recipient), RefusedError (the only one: nobody could open the keyring).
        """
        removed = [each for each in self.recipients if each.id == identifier]
        remaining = [each for each in self.recipients if each.id != identifier]
        if not removed:
            raise ConfigurationError(f"keyring {self.id.hex()} has no recipient {identifier.hex()}")
        if not remaining:
            raise RefusedError("this is the only recipient, and nobody else opens the keyring: add another one first")
        self._root_id, self._root, self.recipients = with_new_root(remaining, keyring=self.id)
        self._body = Body(volumes=tuple(with_new_epoch(record) for record in self._body.volumes))
        return removed[0]

    def save(self, path: str | os.PathLike[str], authority: Authority, *, keep_previous: bool = True) -> None:
        """Sign the next generation and put it at `path`, mode 0600; the one before is kept beside it as `NAME.prev`.

        Without `keep_previous` no generation before stays there, so that keys that were removed are not kept by it.

        Raises: RefusedError (the file is not the generation that was read, or `authority` is not the keyring's),
        AlreadyExists (a first save over an existing file), ConfigurationError and PortableError (the disk).
        """
        if authority.public != self.authority:
            raise RefusedError(f"the keyring is signed by {self.authority.fingerprint}, not by {authority.fingerprint}")
        successor = Keyring(signed.sign(self._next_payload(), authority, PURPOSE))
        before = self._saved.document if self._saved else None
        put_successor(Path(path), before, successor.document, keep_previous=keep_previous)
        self._saved = successor

    def _next_payload(self) -> bytes:
        generation = self.generation + 1
        return msgspec.json.encode(
            Payload(
                id=self.id,
                generation=generation,
                previous_sha256=self._saved.payload_sha256 if self._saved else None,
                root_id=self._root_id,
                recipients=self.recipients,
                body=seal_body(self._body, self._root, keyring=self.id, generation=generation),
            )
        )

    def __repr__(self) -> str:
        return f"<UnlockedKeyring {self.id.hex()} generation {self.generation}>"
