"""`UPath("portable://NAME/key")`, for programs that use universal-pathlib: its entry point names the class below."""

import fsspec
from upath import UPath

from portable.errors import AlreadyExists

# upath knows how paths of a protocol are cut only where fsspec has loaded its class already.
fsspec.get_filesystem_class("portable")


class PortablePath(UPath):
    """A path in a volume. Folders are what keys share: they need not be made, and are gone with their last object."""

    __slots__ = ()

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing, as a folder needs no making. Raises: AlreadyExists (an object is there; a folder, if not `exist_ok`)."""
        if self.is_file() or (not exist_ok and self.exists()):
            raise AlreadyExists(f"an object or folder is at {self}")
        super().mkdir(mode=mode, parents=parents, exist_ok=True)
