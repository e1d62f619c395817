"""Keyrings: verified when read, opened by an identity, saved as the next generation."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from portable.errors import KeysError, RefusedError, UnknownEpoch, UnlockFailed, UntrustedSignature
from portable.keys import signed
from portable.keys.authority import Authority, AuthorityPublic
from portable.keys.durable import create_durably, exclusive, read_within, replace_durably
from portable.keys.payload import PURPOSE, Body, Payload, open_body, parse_payload, seal_body
from portable.keys.recipient import ROOT_LENGTH, Identity, Recipient, RecipientRecord
from portable.keys.secrecy import KeepsSecrets
from portable.keys.volume_keys import FRAME_LENGTH, VolumeKeys


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

        Raises: UnlockFailed (no recipient opens), KeysError (a recipient or the body is damaged).
        """
        tried = 0
        for recipient in self.recipients:
            try:
                root = recipient.unwrap(identity, keyring=self.id, root_id=self.payload.root_id)
            except UnlockFailed:
                tried += 1
                continue
            if root is not None:
                body = open_body(self.payload, root)
                return UnlockedKeyring(self.authority, self.id, self.payload.root_id, root, self.recipients, body, saved=self)
        if tried == 0:
            raise UnlockFailed(f"keyring {self.id.hex()} has no recipient of the kind of identity at hand")
        raise UnlockFailed(f"keyring {self.id.hex()} does not open: wrong passphrase or identity ({tried} tried)")

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

    def volume_by_id(self, identifier: bytes) -> VolumeKeys:
        """Return the keys of the volume with this id (16 bytes). Raises: UnknownEpoch."""
        for record in self._body.volumes:
            if record.id == identifier:
                return VolumeKeys(record)
        raise UnknownEpoch(f"keyring {self.id.hex()} (generation {self.generation}) holds no volume {identifier.hex()}")

    def add_volume(self, name: str, frame_length: int = FRAME_LENGTH) -> VolumeKeys:
        """Add a volume with new random keys; takes effect for others when saved.

        Raises: RefusedError (the name is taken), ConfigurationError (the name or the frame length).
        """
        if any(record.name == name for record in self._body.volumes):
            raise RefusedError(f"the keyring holds a volume {name!r} already: choose another name")
        keys = VolumeKeys.generate(name, frame_length=frame_length)
        self._body = Body(volumes=(*self._body.volumes, keys.record))
        return keys

    def save(self, path: str | os.PathLike[str], authority: Authority) -> None:
        """Sign the next generation and put it at `path`, mode 0600; the one before is kept beside it as `NAME.prev`.

        Raises: RefusedError (the file is not the generation that was read, or `authority` is not the keyring's),
        AlreadyExists (a first save over an existing file), ConfigurationError and PortableError (the disk).
        """
        if authority.public != self.authority:
            raise RefusedError(f"the keyring is signed by {self.authority.fingerprint}, not by {authority.fingerprint}")
        file = Path(path)
        with exclusive(file):
            successor = Keyring(signed.sign(self._next_payload(), authority, PURPOSE))
            if self._saved is None:
                create_durably(file, successor.document)
            else:
                if not file.exists() or read_within(file, signed.DOCUMENT_LIMIT) != self._saved.document:
                    raise RefusedError(
                        f"{file} is no longer generation {self.generation} as it was read: another change was saved since, "
                        "or it was moved; read it again and repeat the change"
                    )
                replace_durably(file.with_name(f"{file.name}.prev"), self._saved.document)
                replace_durably(file, successor.document)
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
