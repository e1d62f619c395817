"""What a probe measures beside its checks: numbers of one moment and one network, which decide nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number that a probe takes."""

    name: str
    words: str
    unit: str


_MEASUREMENTS: Final = (
    Measurement("clock-offset", "the host's clock, less this machine's", "s"),
    Measurement("get-latency", "time to read 1 KiB, median", "ms"),
    Measurement("put-latency", "time to write 1 KiB, median", "ms"),
    *(
        Measurement(f"{verb}-small-{connections}", f"{word} of 1 KiB, {connections} connection{s}", "requests/s")
        for verb, word in (("put", "writes"), ("get", "reads"))
        for connections, s in ((1, ""), (4, "s"), (16, "s"))
    ),
    *(
        Measurement(f"{verb}-large-{connections}", f"{word} of 8 MiB, {connections} connection{s}", "MB/s")
        for verb, word in (("put", "writes"), ("get", "reads"))
        for connections, s in ((1, ""), (4, "s"))
    ),
)

MEASUREMENTS: Final[Mapping[str, Measurement]] = {measured.name: measured for measured in _MEASUREMENTS}
"""By name, in the order in which they are shown."""
