"""Client-side envelope encryption over any object store.

volume = portable.open_volume("portable://lake")
volume.write("a/b.parquet", data)
volume.read("a/b.parquet", start=0, stop=65536)
"""

from typing import TYPE_CHECKING

from portable import errors

__version__ = "0.1.0"
__all__ = ["ABSENT", "ANY", "Attributes", "Matches", "ObjectInfo", "Volume", "errors", "open_volume"]

if TYPE_CHECKING:
    from portable.backends.protocol import ABSENT, ANY, Attributes, Matches
    from portable.opening import open_volume
    from portable.volume import ObjectInfo, Volume
else:
    _PLACES = {
        "portable.backends.protocol": ("ABSENT", "ANY", "Attributes", "Matches"),
        "portable.opening": ("open_volume",),
        "portable.volume": ("ObjectInfo", "Volume"),
    }

    def __getattr__(name):
        """Import a public name when it is first used (PEP 562): who imports the package pays for what they use of it."""
        from importlib import import_module

        for place, names in _PLACES.items():
            if name in names:
                found = globals()[name] = getattr(import_module(place), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return [*globals(), *__all__]
