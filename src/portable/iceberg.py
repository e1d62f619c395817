"""Iceberg tables on volumes: a FileIO for pyiceberg.

A catalog of pyiceberg's names it, and keeps the tables' files under a `portable://` warehouse::

    load_catalog("lake", type="sql", uri="sqlite:///tables.db",
                 warehouse="portable://lake/warehouse", **{"py-io-impl": "portable.iceberg.PortableFileIO"})
"""

from typing import Any, cast

import fsspec
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream
from pyiceberg.typedef import EMPTY_DICT, Properties

from portable.errors import AlreadyExists, ConfigurationError

PREFIX = "portable."
"""Of the properties that are options of the filesystem."""


class PortableInputFile(InputFile):
    """An object of a volume, for reading. `location` is its `portable://NAME/key`."""

    def __init__(self, location: str, filesystem: Any) -> None:
        super().__init__(location)
        self._filesystem = filesystem

    def __len__(self) -> int:
        """Return the object's length in bytes, authenticated. Raises: NotFound, IntegrityError."""
        return _length(self._filesystem, self.location)

    def exists(self) -> bool:
        """Tell whether an object stands at the location. Raises: Denied, Unavailable; neither means that there is none."""
        return bool(self._filesystem.isfile(self.location))

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002, FBT001 - pyiceberg's signature
        """Open the object's present version. It can always seek. Raises: NotFound, IntegrityError."""
        return cast("InputStream", self._filesystem.open(self.location, "rb"))


class PortableOutputFile(OutputFile):
    """An object of a volume, for writing. `location` is its `portable://NAME/key`."""

    def __init__(self, location: str, filesystem: Any) -> None:
        super().__init__(location)
        self._filesystem = filesystem

    def __len__(self) -> int:
        """Return the length in bytes of what stands at the location, authenticated. Raises: NotFound, IntegrityError."""
        return _length(self._filesystem, self.location)

    def exists(self) -> bool:
        """Tell whether an object stands at the location. Raises: Denied, Unavailable; neither means that there is none."""
        return bool(self._filesystem.isfile(self.location))

    def to_input_file(self) -> PortableInputFile:
        """Return the same location for reading."""
        return PortableInputFile(self.location, self._filesystem)

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: FBT001 - pyiceberg's signature
        """Return a stream whose bytes become the object when it is closed, all or nothing.

        Without `overwrite` the host decides between two writers: one of them gets AlreadyExists, here where the object is
        seen already, else from `close`. Raises: AlreadyExists, Unsupported (the host has no conditional writes).
        """
        if not overwrite and self.exists():
            raise AlreadyExists(f"there is an object at {self.location} already")
        return cast("OutputStream", self._filesystem.open(self.location, "wb" if overwrite else "xb"))


class PortableFileIO(FileIO):
    """Reads and writes the files of Iceberg tables at `portable://NAME/key`.

    Properties that begin with `portable.` (`portable.catalog`, `portable.authority`, `portable.keyring` ...) override
    the configuration (see `portable.config`). They are references, never secrets. An instance can be pickled; each process
    unlocks the keyring itself.
    """

    def __init__(self, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)
        self._options = {name.removeprefix(PREFIX): value for name, value in properties.items() if name.startswith(PREFIX)}

    def new_input(self, location: str) -> PortableInputFile:
        """Return the object at `location`, for reading. Raises: ConfigurationError (not `portable://NAME/key`)."""
        return PortableInputFile(_checked(location), self._filesystem())

    def new_output(self, location: str) -> PortableOutputFile:
        """Return the object at `location`, for writing. Raises: ConfigurationError (not `portable://NAME/key`)."""
        return PortableOutputFile(_checked(location), self._filesystem())

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete the object. Raises: NotFound, Denied, RetryableError."""
        at = location if isinstance(location, str) else location.location
        self._filesystem().rm_file(_checked(at))

    def _filesystem(self) -> Any:
        # fsspec keeps one filesystem for the same options, so that every table of a process shares one unlocked keyring.
        return fsspec.filesystem("portable", **self._options)


def _checked(location: str) -> str:
    if not location.startswith("portable://"):
        raise ConfigurationError(f"{location!r} is not in a volume: PortableFileIO reads and writes portable://NAME/key alone")
    return location


def _length(filesystem: Any, location: str) -> int:
    return int(filesystem.info(location)["size"])
