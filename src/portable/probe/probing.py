"""A probe from beginning to end: a scratch prefix, one check after another, and everything removed again."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from portable.backends.credentials import azure_credentials, s3_credentials
from portable.backends.location import Location
from portable.backends.raw import Raw
from portable.backends.raw_azure import RawAzure
from portable.backends.raw_s3 import RawS3
from portable.errors import Cancelled, ConfigurationError, PortableError, RefusedError, Unavailable
from portable.hosts.checked_toml import meant
from portable.hosts.probe_result import Probed, ProbeResult
from portable.probe.answering import Found, Scratch, Unlearnt, unknown
from portable.probe.clearing import clear
from portable.probe.entering import enter
from portable.probe.measuring import latencies, throughput
from portable.probe.table import TABLE, Row, chosen

_REQUEST_SECONDS: Final = 15.0
"""No single request may take longer than this, or than half of the time of its check, if that is more."""
_CLEARING_SECONDS: Final = 120.0
_MEASURING_SECONDS: Final = 90.0
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe found, and what went wrong with it."""

    result: ProbeResult
    failed: Mapping[str, str] = field(default_factory=dict)
    """Checks and measurements that could not be made, and why; the checks are `unknown` in the result."""
    left: tuple[str, ...] = ()
    """What could not be removed."""


class Interrupted(KeyboardInterrupt):
    """The probe was interrupted; `left` is what could not be removed."""

    def __init__(self, left: tuple[str, ...]) -> None:
        super().__init__("interrupted")
        self.left = left


class _Clock:
    """How long requests may take now; and whether any more may be sent."""

    def __init__(self) -> None:
        self.until, self._most = float("inf"), _REQUEST_SECONDS
        self.stopped = threading.Event()

    def __call__(self) -> float:
        """Return the seconds of the next request. Raises: Cancelled, Unavailable (the time of the check is up)."""
        if self.stopped.is_set():
            raise Cancelled("the probe was interrupted")
        left = self.until - time.monotonic()
        if left <= 0:
            raise Unavailable("the time of the check is up")
        return min(left, self._most)

    def give(self, seconds: float) -> None:
        """Begin a check that may take so long."""
        self.until, self._most = time.monotonic() + seconds, max(_REQUEST_SECONDS, seconds / 2)


def probe(
    location: Location,
    *,
    provider: str | None = None,
    only: Sequence[str] = (),
    quick: bool = False,
    allow_lock: bool = False,
    progress: Progress = lambda _: None,
) -> Outcome:
    """Ask a live host the questions of `portable.hosts.checks.CHECKS`, in a prefix of its own, and remove all that was written.

    Buckets are addressed as `location.contract` says, else by path. `provider` is the host's profile, for the result; `only`
    names the checks to make, and then nothing is measured; `quick` leaves throughput out; `allow_lock` lets an object be locked
    for some seconds. `progress` is told each check's name.

    Raises: ConfigurationError, RefusedError (the credentials may not do what a probe needs, or there is no room: nothing is
    left there), Unavailable (no host answers), Interrupted (what was written is removed).
    """
    clock = _Clock()
    raw = _opened(location, clock)
    rows = _selected(chosen(raw.kind, allow_lock=allow_lock), only)
    prefix = f"{location.prefix}portable-probe-{secrets.token_hex(6)}/"
    taken = datetime.now(UTC)
    try:
        with _cleared(raw, prefix, clock) as cleared:
            enter(raw, prefix, location.url)
            work = _Work(raw, prefix, clock, progress)
            with _in_a_thread(clock) as run:
                run(lambda: work.check(rows))
                if not only:
                    run(lambda: work.measure(quick=quick))
    finally:
        raw.close()
    result = ProbeResult(
        url=location.url,
        endpoint=raw.endpoint,
        provider=provider,
        region=location.region,
        taken=taken.replace(microsecond=0),
        checks=work.checks,
        measured=work.measured,
    )
    return Outcome(result, work.failed, tuple(cleared))


class _Work:
    """Checks and measurements, one after another, each in its own part of the prefix."""

    def __init__(self, raw: Raw, prefix: str, clock: _Clock, progress: Progress) -> None:
        self._raw, self._prefix, self._clock, self._progress = raw, prefix, clock, progress
        self.checks: dict[str, Probed] = {}
        self.measured: dict[str, float] = {}
        self.failed: dict[str, str] = {}

    def check(self, rows: Mapping[str, Row]) -> None:
        """Make each check; whatever it raises makes its answer unknown."""
        for name, row in rows.items():
            self._progress(name)
            self._clock.give(row.seconds)
            found = self._answer(name, row)
            self.checks[name] = Probed(answer=found.answer, evidence=found.evidence)

    def measure(self, *, quick: bool) -> None:
        """Take the measurements."""
        for name, take in (("latency", latencies), *(() if quick else (("throughput", throughput),))):
            self._progress(name)
            self._clock.give(_MEASURING_SECONDS)
            try:
                self.measured |= take(Scratch(self._raw, f"{self._prefix}{name}/"))
            except Cancelled:
                raise
            except (PortableError, Unlearnt) as error:
                self.failed[name] = str(error)

    def _answer(self, name: str, row: Row) -> Found:
        try:
            return row.answer(Scratch(self._raw, f"{self._prefix}{name}/"))
        except Cancelled:
            raise
        except Unlearnt as refused:
            return unknown(str(refused))
        except Exception as error:  # noqa: BLE001  # a check that fails must not end the others; it is told as failed
            reason = str(error) if isinstance(error, PortableError) else f"{type(error).__name__}: {error}"
            self.failed[name] = reason
            return unknown(f"not answered: {reason}")


@contextmanager
def _in_a_thread(clock: _Clock) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Run work in another thread, so that an interruption cuts no request short: whatever it began is then known.

    Interrupted, no further request is begun, and those under way are waited for.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="probe") as pool:
        try:
            yield lambda work: pool.submit(work).result()
        except KeyboardInterrupt:
            clock.stopped.set()
            raise


@contextmanager
def _cleared(raw: Raw, prefix: str, clock: _Clock) -> Iterator[list[str]]:
    """Remove what was written, however the block ends; the list then says what is left."""
    left: list[str] = []

    def clear_now() -> None:
        clock.stopped.clear()
        clock.give(_CLEARING_SECONDS)
        left.extend(clear(raw, prefix))

    try:
        yield left
    except KeyboardInterrupt:
        try:
            clear_now()
        except KeyboardInterrupt:
            left.append(f"perhaps all under {prefix} (clearing was interrupted)")
        raise Interrupted(tuple(left)) from None
    except RefusedError:
        raise  # what entering wrote it has removed, or said that it is left
    except BaseException:
        clear_now()
        raise
    clear_now()


def _opened(location: Location, clock: _Clock) -> Raw:
    if location.scheme == "s3":
        addressing = location.contract.addressing if location.contract else "path"
        credentials = s3_credentials(location)
        return RawS3(location.container, credentials, url=location.url, allow=clock, addressing=addressing)
    if location.scheme == "az":
        return RawAzure(location.container, azure_credentials(location), url=location.url, allow=clock)
    raise ConfigurationError(f"{location.url} is no store that can be probed: name an s3:// bucket or an az:// container")


def _selected(rows: Mapping[str, Row], only: Sequence[str]) -> Mapping[str, Row]:
    for name in only:
        if name not in rows and name in TABLE and TABLE[name].locks:
            raise ConfigurationError(f"{name} makes an object that cannot be deleted for some seconds: allow it (--allow-lock)")
        if name not in rows:
            raise ConfigurationError(f"this host is not asked {name!r}; {meant(name, rows)}")
    return {name: row for name, row in rows.items() if name in only} if only else rows
