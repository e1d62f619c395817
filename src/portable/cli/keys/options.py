"""Options that the commands share: how a keyring is opened, and who signs its next generation."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from portable.catalog.pins import Pins
from portable.cli.identity import AUTHORITY_VARIABLE, AskedIdentity, AskedPassphrase
from portable.config import settings
from portable.keys.at_hand import IDENTITY_VARIABLE
from portable.keys.authority import Authority, AuthorityPublic
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import VARIABLE, PassphraseIdentity, passphrase_from

KeyringPath = Annotated[Path, typer.Argument(metavar="KEYRING", help="The keyring file.")]
VolumeName = Annotated[str, typer.Argument(metavar="NAME", help="The volume.")]
Pin = Annotated[
    str | None,
    typer.Option("--pin", metavar="FINGERPRINT", help="Refuse a keyring that another authority signed (sha256:...)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help=f"Read the passphrase from this file (or set {VARIABLE})."),
]
PassphraseFd = Annotated[
    int | None, typer.Option("--passphrase-fd", metavar="N", help="Read the passphrase from file descriptor N.")
]
AuthorityPath = Annotated[
    Path | None,
    typer.Option("--authority", metavar="FILE", help="The authority file (default: authority.json beside the keyring)."),
]
AuthorityPassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--authority-passphrase-file",
        metavar="FILE",
        help=f"Read the authority's passphrase from this file. Without it and {AUTHORITY_VARIABLE}, the keyring's is used.",
    ),
]
AuthorityPassphraseFd = Annotated[
    int | None,
    typer.Option("--authority-passphrase-fd", metavar="N", help="Read the authority's passphrase from file descriptor N."),
]


@dataclass(frozen=True, slots=True)
class Unlocking:
    """Who opens the keyring."""

    identity: Annotated[
        list[Path] | None,
        typer.Option(
            "--identity",
            metavar="FILE",
            help=f"Open with this identity file (or set {IDENTITY_VARIABLE}); again for each officer of a custody.",
        ),
    ] = None
    passphrase_file: PassphraseFile = None
    passphrase_fd: PassphraseFd = None

    def asked(self) -> AskedIdentity:
        """Return the identity, of which nothing has been read or asked yet."""
        return AskedIdentity(self.identity or (), file=self.passphrase_file, fd=self.passphrase_fd)


@dataclass(frozen=True, slots=True)
class Signing(Unlocking):
    """Who opens the keyring, and who signs its next generation."""

    authority: AuthorityPath = None
    authority_passphrase_file: AuthorityPassphraseFile = None
    authority_passphrase_fd: AuthorityPassphraseFd = None

    def read(self, keyring: Path) -> Keyring:
        """Read the keyring, pinned to the authority whose file is at hand and to the highest generation that was seen here.

        So a planted keyring is refused before a passphrase is asked for, and no change is made to an old copy that was put
        back, which would bring back who was removed. Raises: as `Keyring.read`.
        """
        locked = Keyring.read(keyring, authority=AuthorityPublic.read(authority_path(keyring, self.authority)).fingerprint)
        remember(locked)
        return locked

    @contextlib.contextmanager
    def changing(self, keyring: Path) -> Iterator[UnlockedKeyring]:
        """Open the keyring, and save what the block made of it as the next generation; nothing where the block raises."""
        locked, identity = self.read(keyring), self.asked()
        unlocked = locked.unlock(identity)
        yield unlocked
        unlocked.save(keyring, self.signer(keyring, identity.word))
        remember(unlocked)

    def signer(self, keyring: Path, word: str | None = None) -> Authority:
        """Open the authority. `word` is the keyring's passphrase, which is the authority's where none of its own is given."""
        given = authority_passphrase(self.authority_passphrase_file, self.authority_passphrase_fd) or word
        asked = AskedPassphrase("Passphrase of the authority", file=self.passphrase_file, fd=self.passphrase_fd)
        return Authority.load(authority_path(keyring, self.authority), PassphraseIdentity(given) if given else asked)


def remember(keyring: Keyring | UnlockedKeyring) -> None:
    """Pin the keyring's generation on this machine. Raises: UntrustedSignature (a later one was seen)."""
    Pins(settings().state).check_keyring(keyring.id.hex(), keyring.generation)


def authority_path(keyring: Path, given: Path | None) -> Path:
    """Return where the authority file is."""
    return given or keyring.with_name("authority.json")


def authority_passphrase(file: Path | None, fd: int | None) -> str | None:
    """Return the authority's own passphrase, or None where none is given. Raises: ConfigurationError."""
    return passphrase_from(os.environ, file, fd, variable=AUTHORITY_VARIABLE)
