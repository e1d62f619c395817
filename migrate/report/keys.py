"""How reports name objects.

Keys can be personal data, so what is handed on shows pseudonyms unless the operator asks for keys.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Final

from migrate.journal import Journal

Naming = Callable[[str], str]
"""Returns what a report shows for a key."""

_SECRET: Final = "pseudonym_secret"  # noqa: S105  # the name of a fact, not its value
_DIGITS: Final = 12


def plain(key: str) -> str:
    """Return the key itself, in quotes, control characters and the like escaped."""
    return ascii(key) if not key.isprintable() else repr(key)


def pseudonyms(journal: Journal) -> Naming:
    """Return a naming that shows the same pseudonym for the same key in all reports of this migration.

    It is keyed with a secret that stays in the journal, because the bare hash of a guessed key would confirm the guess.
    """
    secret = journal.fact(_SECRET)
    if secret is None:
        secret = os.urandom(32).hex()
        journal.set_fact(_SECRET, secret)
    key = bytes.fromhex(secret)
    return lambda name: f"object-{hmac.digest(key, name.encode(), hashlib.sha256).hex()[:_DIGITS]}"
