"""`portable keys`: make keyrings, add volumes, show what a keyring says, take keys out."""

import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from portable.cli.output import err, out, print_json
from portable.cli.passphrase import passphrase
from portable.errors import AlreadyExists
from portable.keys.authority import Authority, AuthorityPublic
from portable.keys.durable import create_durably
from portable.keys.export import export_volume_key
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import VARIABLE, Argon2Parameters, PassphraseIdentity, PassphraseRecipient, passphrase_from
from portable.keys.volume_keys import FRAME_BOUNDS, FRAME_LENGTH, VolumeKeys

AUTHORITY_VARIABLE: Final = "PORTABLE_AUTHORITY_PASSPHRASE"

app = typer.Typer(
    name="keys",
    help="Keyrings: the controller's secrets, which no host ever holds.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)

KeyringPath = Annotated[Path, typer.Argument(metavar="KEYRING", help="The keyring file.")]
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
Pin = Annotated[
    str | None,
    typer.Option("--pin", metavar="FINGERPRINT", help="Refuse a keyring that another authority signed (sha256:...)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def init(
    keyring: KeyringPath,
    authority: AuthorityPath = None,
    argon2_memory: Annotated[
        int, typer.Option(metavar="MIB", min=64, max=2048, help="Memory that one passphrase try costs.")
    ] = 256,
    argon2_passes: Annotated[int, typer.Option(metavar="N", min=3, max=10, help="Passes over that memory.")] = 4,
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
    authority_path = authority or _beside(keyring)
    if keyring.exists():
        raise AlreadyExists(f"{keyring} exists; it is not overwritten")
    argon2 = Argon2Parameters(memory_mib=argon2_memory, passes=argon2_passes)
    secret = passphrase("New passphrase", file=passphrase_file, fd=passphrase_fd, twice=True)
    authority_secret = _authority_passphrase(authority_passphrase_file, authority_passphrase_fd, secret)
    if authority_path.exists():
        signer = Authority.load(authority_path, PassphraseIdentity(authority_secret))
    else:
        signer = Authority.generate()
        signer.save(authority_path, authority_secret, argon2)
    unlocked = Keyring.create(signer, recipients=[PassphraseRecipient(secret, argon2)])
    unlocked.save(keyring, signer)
    _report({**_facts(unlocked), "authority_file": str(authority_path)}, as_json=as_json)
    if not as_json:
        err().print(
            "Pin this authority's fingerprint in every client, and keep both files and the passphrase: "
            "without them nobody reads the volumes."
        )


@app.command()
def add_volume(
    keyring: KeyringPath,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The volume's name, as in portable://NAME/.")],
    frame_length: Annotated[
        int, typer.Option(metavar="BYTES", min=FRAME_BOUNDS[0], max=FRAME_BOUNDS[1], help="Plaintext bytes a frame.")
    ] = FRAME_LENGTH,
    authority: AuthorityPath = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    authority_passphrase_file: AuthorityPassphraseFile = None,
    authority_passphrase_fd: AuthorityPassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Add a volume with new keys, and sign the next generation of the keyring.

    Example: portable keys add-volume keyring.json lake
    """
    authority_path = authority or _beside(keyring)
    # The authority file says whose signature to expect, so a planted keyring is refused before a passphrase is asked for.
    locked = Keyring.read(keyring, authority=AuthorityPublic.read(authority_path).fingerprint)
    secret = passphrase("Passphrase", file=passphrase_file, fd=passphrase_fd)
    unlocked = locked.unlock(PassphraseIdentity(secret))
    keys = unlocked.add_volume(name, frame_length)
    authority_secret = _authority_passphrase(authority_passphrase_file, authority_passphrase_fd, secret)
    signer = Authority.load(authority_path, PassphraseIdentity(authority_secret))
    unlocked.save(keyring, signer)
    _report({**_facts(unlocked), **_volume_facts(keys)}, as_json=as_json)


@app.command()
def show(
    keyring: KeyringPath,
    volumes: Annotated[bool, typer.Option("--volumes", help="Unlock the keyring and list its volumes too.")] = False,
    pin: Pin = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Check a keyring's signatures and show what it says; no passphrase is needed for that.

    Example: portable keys show keyring.json --volumes --json
    """
    locked = Keyring.read(keyring, authority=pin)
    facts = _facts(locked)
    facts["pinned"] = pin is not None
    facts["recipients"] = [
        {"id": recipient.id.hex(), "type": recipient.type, "protector": recipient.protector.__struct_config__.tag}
        for recipient in locked.recipients
    ]
    if volumes:
        secret = passphrase("Passphrase", file=passphrase_file, fd=passphrase_fd)
        facts["volumes"] = [_volume_facts(keys) for keys in locked.unlock(PassphraseIdentity(secret)).volumes]
    _report(facts, as_json=as_json)


@app.command("export-volume-key")
def export_key(
    keyring: KeyringPath,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The volume.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file, made with mode 0600.")],
    pin: Pin = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: AsJson = False,
) -> None:
    """Write the epoch keys of a volume in clear, for any public AWS Encryption SDK: whoever has the file reads the volume.

    Example: portable keys export-volume-key keyring.json lake --out /media/safe/lake-keys.json
    """
    locked = Keyring.read(keyring, authority=pin)
    if out.exists():
        raise AlreadyExists(f"{out} exists; it is not overwritten")
    secret = passphrase("Passphrase", file=passphrase_file, fd=passphrase_fd)
    keys = locked.unlock(PassphraseIdentity(secret)).volume(name)
    create_durably(out, export_volume_key(keys))
    _report({**_volume_facts(keys), "out": str(out)}, as_json=as_json)


def _beside(keyring: Path) -> Path:
    return keyring.with_name("authority.json")


def _authority_passphrase(file: Path | None, fd: int | None, fallback: str) -> str:
    given = passphrase_from(os.environ, file, fd, variable=AUTHORITY_VARIABLE)
    return fallback if given is None else given


def _facts(keyring: Keyring | UnlockedKeyring) -> dict[str, Any]:
    return {
        "keyring": keyring.id.hex(),
        "generation": keyring.generation,
        "authority": keyring.authority.fingerprint,
    }


def _volume_facts(keys: VolumeKeys) -> dict[str, Any]:
    return {
        "volume": keys.name,
        "volume_id": keys.volume_id.hex(),
        "frame_length": keys.frame_length,
        "names": keys.names,
        "epochs": [{"id": epoch.id.hex(), "state": epoch.state, "created": epoch.created.isoformat()} for epoch in keys.epochs],
    }


def _report(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    console = out()
    for line in _lines(facts):
        console.print(line)


def _lines(facts: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in facts.items():
        title = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, list):
            lines.append(f"{title}: {len(value)}")
            for item in value:
                lines += _lines(item, indent + "  ")
        else:
            lines.append(f"{title}: {value}")
    return lines
