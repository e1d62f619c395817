"""The clock of leases: seconds that go on while the machine is suspended, and never jump."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boottime() -> float:
    """Return seconds since an arbitrary start, suspended time included (Linux `CLOCK_BOOTTIME`).

    Where the system has no such clock, its monotonic clock, which on macOS counts suspended time too.
    """
    return time.clock_gettime(_CLOCK)
