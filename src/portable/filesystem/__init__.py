"""`portable://NAME/key` for everything that reads and writes through fsspec: the volumes of the catalog as one filesystem."""

from portable.filesystem.adapter import PortableFileSystem

__all__ = ["PortableFileSystem"]
