"""The form of a check's answer, and the scratch place that a check works in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from portable.backends.raw import Raw, Reply
from portable.backends.raw_s3 import RawS3
from portable.hosts.probe_result import ProbeAnswer

BODY: Final = b"portable probe " * 64
"""What checks write where any bytes do."""
OTHER: Final = BODY[::-1]
"""As many other bytes."""


class Found(NamedTuple):
    """What a check found: its answer, and in a line what was sent and what came back."""

    answer: ProbeAnswer
    evidence: str


def yes(evidence: str) -> Found:
    """Say that the host does what the check asks."""
    return Found("yes", evidence)


def no(evidence: str) -> Found:
    """Say that it does not."""
    return Found("no", evidence)


def unknown(evidence: str) -> Found:
    """Nothing was learnt."""
    return Found("unknown", evidence)


def either(holds: bool, evidence: str) -> Found:  # noqa: FBT001  # the answer itself
    """Say yes where it holds, and else no."""
    return Found("yes" if holds else "no", evidence)


def refused(reply: Reply, evidence: str) -> Found:
    """Say no of a request that was refused; unknown where it was for want of rights, which says nothing about the host."""
    return Found("unknown" if reply.status in (401, 403) else "no", evidence)


class Unlearnt(Exception):
    """A check cannot be answered, because something that it builds on was refused; the message says what."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """What one check may use: the host, and all keys under a prefix that no other check touches."""

    raw: Raw
    prefix: str

    def key(self, name: str = "object") -> str:
        """Return a key under the prefix."""
        return self.prefix + name

    def stored(self, name: str = "object", data: bytes = BODY) -> str:
        """Write an object and return its key. Raises: Unlearnt (the host refused)."""
        key = self.key(name)
        reply = self.raw.put(key, data)
        if not reply.ok:
            raise Unlearnt(f"a plain PUT answered {reply}")
        return key

    def etag(self, key: str) -> str:
        """Return an object's ETag. Raises: Unlearnt (none is told)."""
        told: str | None = self.raw.send("HEAD", key).headers.get("etag")
        if not told:
            raise Unlearnt("HEAD told no ETag")
        return told

    def body(self, key: str) -> bytes | None:
        """Return what stands at a key; None where reading it is refused."""
        reply = self.raw.send("GET", key)
        return reply.body if reply.ok else None

    def begun(self, name: str = "object") -> tuple[str, str]:
        """Begin an upload and return its key and id. Raises: Unlearnt (the host refused)."""
        key = self.key(name)
        reply, upload = self.raw.begin(key)
        if not upload:
            raise Unlearnt(f"beginning an upload answered {reply}")
        return key, upload

    def part(self, key: str, upload: str, number: int, data: bytes) -> tuple[int, str]:
        """Stage a part and return what completing it takes. Raises: Unlearnt (the host refused)."""
        reply = self.raw.part(key, upload, number, data)
        if not reply.ok:
            raise Unlearnt(f"part {number} of an upload answered {reply}")
        return number, reply.headers.get("etag", "")

    @property
    def s3(self) -> RawS3:
        """The host, where it speaks S3; checks that only S3 has are asked of nothing else."""
        if not isinstance(self.raw, RawS3):
            raise Unlearnt("the host does not speak S3")
        return self.raw


Check = Callable[[Scratch], Found]
"""Answers one question of `portable.hosts.checks.CHECKS`, without knowing of any other."""
