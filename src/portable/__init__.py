"""Client-side envelope encryption over any object store.

volume = portable.open_volume("portable://lake")
volume.write("a/b.parquet", data)
volume.read("a/b.parquet", start=0, stop=65536)
"""

from portable.backends.protocol import ABSENT, ANY, Attributes, Matches
from portable.opening import open_volume
from portable.volume import ObjectInfo, Volume

__version__ = "0.1.0"
__all__ = ["ABSENT", "ANY", "Attributes", "Matches", "ObjectInfo", "Volume", "open_volume"]
