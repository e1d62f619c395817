"""`portable keys init`, `new-identity` and `add-volume`: what did not exist before."""

from pathlib import Path
from typing import Annotated

import typer

from portable.cli.keys.facts import keyring_facts, report, volume_facts
from portable.cli.keys.options import (
    AsJson,
    AuthorityPassphraseFd,
    AuthorityPassphraseFile,
    AuthorityPath,
    KeyringPath,
    PassphraseFd,
    PassphraseFile,
    Signing,
    authority_passphrase,
    authority_path,
)
from portable.cli.output import err
from portable.cli.passphrase import passphrase
from portable.cli.store_options import takes
from portable.errors import AlreadyExists
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from portable.keys.volume_keys import FRAME_BOUNDS, FRAME_LENGTH, Names

Argon2Memory = Annotated[
    int, typer.Option("--argon2-memory", metavar="MIB", min=64, max=2048, help="Memory that one passphrase try costs.")
]
Argon2Passes = Annotated[int, typer.Option("--argon2-passes", metavar="N", min=3, max=10, help="Passes over that memory.")]


def init(
    keyring: KeyringPath,
    authority: AuthorityPath = None,
    argon2_memory: Argon2Memory = 256,
    argon2_passes: Argon2Passes = 4,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    authority_passphrase_file: AuthorityPassphraseFile = None,
    authority_passphrase_fd: AuthorityPassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Make a keyring and the authority that signs it, both under a passphrase. Overwrites nothing.

    An authority file that exists is opened and used, so that one authority can sign several keyrings.

    Example: portable keys init keyring.json --authority /media/safe/authority.json
    """
    path = authority_path(keyring, authority)
    if keyring.exists():
        raise AlreadyExists(f"{keyring} exists; it is not overwritten")
    argon2 = Argon2Parameters(memory_mib=argon2_memory, passes=argon2_passes)
    word = passphrase("New passphrase", file=passphrase_file, fd=passphrase_fd, twice=True)
    authority_word = authority_passphrase(authority_passphrase_file, authority_passphrase_fd) or word
    if path.exists():
        signer = Authority.load(path, PassphraseIdentity(authority_word))
    else:
        signer = Authority.generate()
        signer.save(path, authority_word, argon2)
    unlocked = Keyring.create(signer, recipients=[PassphraseRecipient(word, argon2)])
    unlocked.save(keyring, signer)
    report({**keyring_facts(unlocked), "authority_file": str(path)}, as_json=as_json)
    if not as_json:
        err().print(
            "Pin this authority's fingerprint in every client, and keep both files and the passphrase: "
            "without them nobody reads the volumes."
        )


def new_identity(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file, made with mode 0600: whoever reads it is the identity.")
    ],
    public: Annotated[
        Path | None,
        typer.Option("--public", metavar="FILE", help="A new file for its public half.  [default: FILE.pub]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an identity file for a machine or an officer. Its public half is what a controller adds as a recipient.

    Example: portable keys new-identity etl-1.identity
    """
    public = public or file.with_name(f"{file.name}.pub")
    for path in (file, public):
        if path.exists():
            raise AlreadyExists(f"{path} exists; it is not overwritten")
    identity = IdentityFile.generate()
    identity.save(file)
    identity.publish(public)
    report({"identity": identity.fingerprint, "file": str(file), "public": str(public)}, as_json=as_json)


@takes(Signing, "signing")
def add_volume(
    keyring: KeyringPath,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The volume's name, as in portable://NAME/.")],
    signing: Signing,
    frame_length: Annotated[
        int, typer.Option(metavar="BYTES", min=FRAME_BOUNDS[0], max=FRAME_BOUNDS[1], help="Plaintext bytes a frame.")
    ] = FRAME_LENGTH,
    names: Annotated[Names, typer.Option(help="Store keys as they are, or encrypted too (sealed).")] = "plain",
    as_json: AsJson = False,
) -> None:
    """Add a volume with new keys, and sign the next generation of the keyring.

    Example: portable keys add-volume keyring.json lake
    """
    with signing.changing(keyring) as unlocked:
        keys = unlocked.add_volume(name, frame_length, names=names)
    report({**keyring_facts(unlocked), **volume_facts(keys)}, as_json=as_json)
