"""Arguments and options that the commands on catalogs share."""

from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_LEASE: Final = 30.0
"""Seconds."""

CatalogPath = Annotated[Path, typer.Argument(metavar="CATALOG", help="The catalog file, on a local disk.")]
VolumeName = Annotated[str, typer.Argument(metavar="NAME", help="The volume's name, as in portable://NAME/key.")]
AuthorityPath = Annotated[
    Path | None,
    typer.Option(
        "--authority",
        metavar="FILE",
        help="The authority that signs the entry.  [default: authority.json beside the keyring, else beside the catalog]",
    ),
]
StorageClass = Annotated[
    str | None,
    typer.Option(
        "--storage-class",
        metavar="NAME",
        help="Class that objects are written in, by the host's own name, or a tier: hot, cool, cold, archive.",
    ),
]


def authority_file(given: Path | None, keyring: Path | None, catalog: Path) -> Path:
    """Return where the authority file is."""
    return given or (keyring or catalog).with_name("authority.json")
