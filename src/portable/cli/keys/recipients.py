"""`portable keys add-recipient` and `remove-recipient`: who opens the keyring."""

from pathlib import Path
from typing import Annotated, Final

import typer

from portable.cli.keys.facts import keyring_facts, recipient_facts, report
from portable.cli.keys.kinds import KINDS, recipient_of
from portable.cli.keys.making import Argon2Memory, Argon2Passes
from portable.cli.keys.options import AsJson, KeyringPath, Signing
from portable.cli.output import err
from portable.cli.passphrase import passphrase
from portable.cli.store_options import takes
from portable.errors import ConfigurationError
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import Argon2Parameters, PassphraseRecipient
from portable.keys.recipient import RecipientRecord

NEW_VARIABLE: Final = "PORTABLE_NEW_PASSPHRASE"

_STILL_READS: Final = (
    "Whoever was removed still reads what was written before: with an earlier generation of the keyring, until it is encrypted "
    "again. The file KEYRING.prev is such a generation."
)


@takes(Signing, "signing")
def add_recipient(
    keyring: KeyringPath,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.")],
    signing: Signing,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="; ".join(f"{name} {kind.words}".rstrip() for name, kind in KINDS.items()) + "."),
    ] = None,
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What to call the recipient.")] = "",
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option("--new-passphrase-file", metavar="FILE", help=f"The new recipient's passphrase (or set {NEW_VARIABLE})."),
    ] = None,
    new_passphrase_fd: Annotated[
        int | None, typer.Option("--new-passphrase-fd", metavar="N", help="Read it from file descriptor N.")
    ] = None,
    argon2_memory: Argon2Memory = 256,
    argon2_passes: Argon2Passes = 4,
    as_json: AsJson = False,
) -> None:
    """Add a recipient, who opens the keyring from the next generation on.

    Its label stands in the file in clear.

    Example: portable keys add-recipient keyring.json identity-file etl-1.identity.pub --label etl-1
    """

    def with_new_passphrase() -> PassphraseRecipient:
        word = passphrase(
            "Passphrase of the new recipient",
            file=new_passphrase_file,
            fd=new_passphrase_fd,
            variable=NEW_VARIABLE,
            twice=True,
        )
        return PassphraseRecipient(word, Argon2Parameters(memory_mib=argon2_memory, passes=argon2_passes))

    with signing.changing(keyring) as unlocked:
        added = unlocked.add_recipient(recipient_of(kind, words or (), with_new_passphrase), label)
    report({**keyring_facts(unlocked), "added": [recipient_facts(added)]}, as_json=as_json)


@takes(Signing, "signing")
def remove_recipient(
    keyring: KeyringPath,
    recipient: Annotated[str, typer.Argument(metavar="RECIPIENT", help="Its label, or its id as `show` prints it.")],
    signing: Signing,
    as_json: AsJson = False,
) -> None:
    """Remove a recipient: a new root key for the others, who need not be present, and a new epoch in every volume.

    What was written before stays readable to whoever was removed, until it is encrypted again.

    Example: portable keys remove-recipient keyring.json etl-1
    """
    with signing.changing(keyring) as unlocked:
        removed = unlocked.remove_recipient(named(unlocked, recipient).id)
    facts = keyring_facts(unlocked)
    facts["removed"] = [recipient_facts(removed)]
    facts["new_epochs"] = [{"volume": keys.name, "epoch": keys.active_epoch.id.hex()} for keys in unlocked.volumes]
    report(facts, as_json=as_json)
    if not as_json:
        err().print(_STILL_READS)


def named(keyring: Keyring | UnlockedKeyring, word: str) -> RecipientRecord:
    """Return the recipient with this label or id. Raises: ConfigurationError."""
    found = [each for each in keyring.recipients if word and word in (each.label, each.id.hex())]
    if len(found) != 1:
        raise ConfigurationError(
            f"no recipient has the label or the id {word!r}: `portable keys show` lists them"
            if not found
            else f"{word!r} is the label of one recipient and the id of another: use the ids"
        )
    return found[0]
