"""The file of a keyring on disk: one generation takes the place of the one before, and no change that others saved is lost."""

import re
from pathlib import Path

from portable.errors import RefusedError
from portable.keys.durable import create_durably, exclusive, read_within, remove_durably, replace_durably
from portable.keys.signed import DOCUMENT_LIMIT


def previous(file: Path) -> Path:
    """Return where the generation before the one at `file` is kept."""
    return file.with_name(f"{file.name}.prev")


def put_successor(file: Path, before: bytes | None, successor: bytes, *, keep_previous: bool = True) -> None:
    """Make `successor` the keyring at `file`, mode 0600, where the file still holds `before`; None where there was none.

    `before` is kept beside it as `NAME.prev`. Without `keep_previous` no generation before stays: one that holds what the
    successor must no longer hold would undo it.

    A crash between any two steps leaves `before` or `successor` at `file`, whole.

    Raises: RefusedError (the file is not what was read), AlreadyExists (a first save over a file), ConfigurationError and
    PortableError (the disk).
    """
    with exclusive(file):
        if before is None:
            create_durably(file, successor)
            return
        if not file.exists() or read_within(file, DOCUMENT_LIMIT) != before:
            raise RefusedError(
                f"{file} is no longer as it was read: another change was saved since, or it was moved; read it again and "
                "repeat the change"
            )
        if keep_previous:
            replace_durably(previous(file), before)
        replace_durably(file, successor)
        if not keep_previous:
            _remove_earlier(file)


def remove_earlier(file: Path) -> None:
    """Remove every earlier generation of the keyring that lies beside it: the one kept, and drafts that a crash left.

    Raises: ConfigurationError, PortableError.
    """
    with exclusive(file):
        _remove_earlier(file)


def _remove_earlier(file: Path) -> None:
    draft = re.compile(re.escape(f".{file.name}") + r"(\.prev)?\.[0-9a-f]{16}\.tmp")
    for path in (previous(file), *file.parent.iterdir()):
        if path == previous(file) or draft.fullmatch(path.name):
            remove_durably(path)
