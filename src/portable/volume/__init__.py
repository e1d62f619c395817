"""A volume: a store read and written through the encryption layer, or in clear where it never was encrypted."""

from portable.volume.info import ObjectInfo
from portable.volume.planning import Reading
from portable.volume.volume import Volume

__all__ = ["ObjectInfo", "Reading", "Volume"]
