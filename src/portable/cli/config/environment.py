"""Which variables of the environment count, by name: a value is never shown."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from portable.backends.location import Location
from portable.cli.config.findings import Finding
from portable.cli.identity import AUTHORITY_VARIABLE
from portable.cli.keys.recipients import NEW_VARIABLE
from portable.config import FILE_VARIABLE, VARIABLES
from portable.hosts.library import VARIABLE as HOSTS_VARIABLE
from portable.keys.at_hand import IDENTITY_VARIABLE
from portable.keys.passphrase import VARIABLE as PASSPHRASE_VARIABLE
from portable.keys.pkcs11_edge import MODULE_VARIABLE, PIN_VARIABLE

NAMING: Final = (
    PASSPHRASE_VARIABLE,
    f"{PASSPHRASE_VARIABLE}_FILE",
    IDENTITY_VARIABLE,
    "BAO_ADDR",
    "VAULT_ADDR",
    MODULE_VARIABLE,
)
"""The variables that say who this process is."""

KNOWN: Final = (
    FILE_VARIABLE,
    *VARIABLES.values(),
    HOSTS_VARIABLE,
    PASSPHRASE_VARIABLE,
    f"{PASSPHRASE_VARIABLE}_FILE",
    IDENTITY_VARIABLE,
    AUTHORITY_VARIABLE,
    f"{AUTHORITY_VARIABLE}_FILE",
    NEW_VARIABLE,
    f"{NEW_VARIABLE}_FILE",
    MODULE_VARIABLE,
    PIN_VARIABLE,
    f"{PIN_VARIABLE}_FILE",
)
"""The variables that are this package's own."""

_ALIKE: Final = 0.8
"""How alike a name must be to a known one to pass for a slip: `PORTABLE_` may also begin credentials (`env:PORTABLE_`)."""

_CREDENTIALS: Final = {
    "s3": (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"),
    ),
    "az": tuple(f"AZURE_STORAGE_{name}" for name in ("ACCOUNT", "KEY", "SAS_TOKEN", "CONNECTION_STRING", "ENDPOINT")),
}
_REACHING: Final = ("CA_BUNDLE", "PROXY")
"""Of a prefix alone."""


def misspelt(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a note for each variable that looks like a slip for one of this package."""
    for name in sorted(environ):
        if name.startswith("PORTABLE") and name not in KNOWN:
            close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=_ALIKE)
            if close:
                yield Finding("environment", "note", f"{name} is no variable of this package", f"did you mean {close[0]}?")


def credential_variables(location: Location, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return how a store's credentials are found, in words, and the names of the variables that are set for it."""
    kind, _, name = location.credentials.partition(":")
    prefix = name if kind == "env" else ""
    names = [f"{prefix}{each}" for each in _CREDENTIALS.get(location.scheme, ())]
    names += [f"{prefix}{each}" for each in _REACHING if prefix]
    found = [each for each in names if environ.get(each)]
    if kind == "profile":
        return f"profile {name!r} of the AWS files", []
    return location.credentials, found
