"""A client's view of one volume's entry, and the leases it hands out.

A lease starts when the request to the catalog is *sent*, so it needs no synchronised clocks. Cached entries stay in this
process: neither a `Homes` nor a `Lease` can be pickled.
"""

import os
import secrets
import socket
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from portable.catalog.entry import Entry, open_entry
from portable.catalog.local import LocalCatalog, Report
from portable.catalog.pins import Pins
from portable.clock import boottime
from portable.errors import Denied, PortableError, PreconditionFailed


@dataclass(frozen=True, slots=True)
class Lease:
    """An entry, and until when this client may use it."""

    entry: Entry
    until: float
    """On the clock of `boottime`, in seconds."""

    @property
    def left(self) -> float:
        """Seconds that the lease still holds; negative when it has ended."""
        return self.until - boottime()

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a lease belongs to the process that read the catalog")


class Homes:
    """Hands out leases on the entry of one volume. Safe to use from several threads."""

    def __init__(self, catalog: LocalCatalog, name: str, authority: str, pins: Pins) -> None:
        self.catalog = catalog
        self.name = name
        self.authority = authority
        self._pins = pins
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._frozen_since: tuple[str, float] | None = None
        self._reported: str | None = None
        self._client = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("leases belong to the process that read the catalog")

    def lease(self) -> Lease:
        """Return the cached lease while it holds, else a new one.

        Raises: NotFound, ConfigurationError, UntrustedSignature.
        """
        with self._lock:
            if self._lease is None or self._lease.left <= 0:
                self._lease = self._read()
            return self._lease

    def refresh(self) -> Lease:
        """Ask the catalog now. Raises: NotFound, ConfigurationError, UntrustedSignature."""
        with self._lock:
            self._lease = self._read()
            return self._lease

    def still_holds(self, lease: Lease) -> bool:
        """Tell whether what was done under `lease` is acknowledged: it still holds, or the catalog shows the same write id."""
        return lease.left > 0 or self.refresh().entry.write_id == lease.entry.write_id

    def return_overdue(self, lease: Lease) -> None:
        """Put the old home back when this process has watched the same frozen entry for its `max_frozen` seconds.

        Needs no coordinator: the frozen entry carries the way back, signed. Does nothing where it carries none, nor where this
        process may not change the catalog: then another writer or the coordinator does it.
        """
        entry = lease.entry
        if entry.phase != "frozen":
            return
        with self._lock:
            if self._frozen_since is None or self._frozen_since[0] != entry.write_id:
                self._frozen_since = (entry.write_id, boottime())
            watched = boottime() - self._frozen_since[1]
        if entry.way_back is None or entry.max_frozen is None or watched < entry.max_frozen:
            return
        document = entry.way_back.encode()
        open_entry(document, self.name, self.authority)
        try:
            self.catalog.compare_and_swap(self.name, entry.write_id, document, self.authority)
        except (PreconditionFailed, Denied):
            # The coordinator or another writer was faster, or will be; the next refresh shows what stands then.
            return

    def report_once(self, entry: Entry, attempt: Callable[[], object]) -> None:
        """Try the other store of an announced move once for each announcement, and leave the result for the coordinator.

        A client that cannot leave it goes on: it is no worse off than one that has not looked yet. If it found trouble, it
        warns of that (RuntimeWarning).
        """
        with self._lock:
            if entry.phase != "announced" or self._reported == entry.write_id:
                return
            self._reported = entry.write_id
        problem: str | None = None
        try:
            attempt()
        except PortableError as error:
            problem = f"{error.kind}: {error}"
        try:
            self.catalog.report(entry.write_id, Report(self._client, problem))
        except PortableError as error:
            if problem is not None:
                warnings.warn(
                    f"volume {self.name!r} is about to move to a store that this process cannot open ({problem}), and the "
                    f"coordinator does not hear of it ({error})",
                    RuntimeWarning,
                    stacklevel=2,
                )

    def _read(self) -> Lease:
        sent = boottime()
        entry = self.catalog.read(self.name, self.authority)
        self._pins.check(entry)
        return Lease(entry, sent + entry.lease)
