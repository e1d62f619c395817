"""Whether this machine's clock agrees with its hosts': they refuse requests that are signed at another time."""

import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from portable.backends.credentials import azure_credentials, s3_credentials
from portable.backends.location import Location
from portable.backends.target import target_of
from portable.backends.wire import Wire
from portable.cli.config.findings import Finding
from portable.config import settings
from portable.errors import PortableError
from portable.hosts.reaching import reached

APART: Final = 300.0
"""Seconds that the clocks may differ by. Amazon S3 and Azure refuse requests from 15 minutes on; the rest is room to drift."""
_SECONDS: Final = 10.0


def clock_finding(volume: str, location: Location, environ: Mapping[str, str]) -> Finding:
    """Ask the endpoint for nothing, unsigned, and compare the time of its answer, whatever the answer is."""
    try:
        place = reached(location, environ, state=settings(environ=environ).state)
        found = azure_credentials(place, environ) if place.scheme == "az" else s3_credentials(place, environ)
        wire = Wire(found.transport, url=location.url)
        try:
            asked = time.time()
            answer = wire.send(
                "HEAD", target_of(f"{found.endpoint}/"), {}, seconds=_SECONDS, operation="ask for the time of", key=""
            )
            answered = time.time()
        finally:
            wire.close()
    except PortableError as error:
        return Finding("clock", "not checked", f"the host told no time: {error}", volume=volume)
    told = _date(answer.headers.get("date"))
    if told is None:
        return Finding("clock", "not checked", "the host told no time", volume=volume)
    # The answer's time is cut to whole seconds, and was taken at some moment between the two.
    apart = max(asked - 1 - told.timestamp(), told.timestamp() - answered, 0.0)
    if apart <= APART:
        return Finding(
            "clock", "ok", f"agrees with the host's to {apart:.0f} s" if apart >= 1 else "agrees with the host's", volume=volume
        )
    way = "ahead of" if asked > told.timestamp() else "behind"
    said = f"this machine's clock is {apart:.0f} s {way} the host's"
    return Finding("clock", "failed", said, "set the clock (NTP): hosts refuse requests signed at another time", volume)


def _date(value: str | None) -> datetime | None:
    try:
        told = parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
    return told if told is not None and told.tzinfo is not None else None
