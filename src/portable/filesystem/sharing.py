"""The open volumes of this process. Opening one unlocks a keyring, which is slow on purpose: every thread uses the same.

fsspec keeps a filesystem for each thread and set of options; they differ, the volumes behind them need not. A volume stays open
while a filesystem or an open file uses it.
"""

import os
import threading
import weakref

from portable.config import Settings
from portable.errors import ConfigurationError, NotFound
from portable.leased import LeasedVolume
from portable.opening import open_by_catalog


class SharedVolumes:
    """Opens volumes, and hands out what is open. Safe to use from several threads; a forked child begins with none."""

    def __init__(self) -> None:
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._open: weakref.WeakValueDictionary[tuple[str, Settings], LeasedVolume] = weakref.WeakValueDictionary()

    def open(self, name: str, settings: Settings) -> LeasedVolume:
        """Return the volume `name` of the catalog that `settings` name.

        Raises: NotFound (the catalog has no such volume), ConfigurationError (also where there is no catalog), KeysError.
        """
        with self._lock:
            volume = self._open.get((name, settings))
            if volume is None:
                try:
                    volume = open_by_catalog(name, settings)
                except NotFound as error:
                    if settings.catalog is not None and not settings.catalog.exists():
                        # To callers of a filesystem, "not found" would say that the file is missing.
                        raise ConfigurationError(str(error)) from None
                    raise
                self._open[name, settings] = volume
            return volume


SHARED = SharedVolumes()
