"""Single requests to a host, answered as the host answers: also wrong requests, which no backend makes. For probing.

A refusal is an answer here and no error. Every request is sent once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from portable.backends.transport import Transport

Sender = Literal["owner", "forger", "nobody"]
"""Who signs a request: the credentials' owner, somebody who knows the key's name and not the secret, or nobody."""
Allow = Callable[[], float]
"""Returns how many seconds the next request may take, or raises."""
NO_HEADERS: Final[Mapping[str, str]] = {}

_CODE: Final = re.compile(rb"<Code>\s*([\w.]+)\s*</Code>")


class Headers(dict[str, str]):
    """Fields of an answer, by names in lower case; looked up by names in any."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field's value, or `default`."""
        return super().get(name.lower(), default)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a host answered to one request."""

    status: int
    headers: Headers
    body: bytes

    @property
    def ok(self) -> bool:
        """Tell whether the request was done."""
        return 200 <= self.status < 300 and not (self.status == 200 and b"<Error>" in self.body[:512])

    @property
    def code(self) -> str:
        """The host's code of an error; "" where it gives none."""
        told: str = self.headers.get("x-ms-error-code", "")
        found = None if self.ok or told else _CODE.search(self.body[:4096])
        return found[1].decode() if found else told

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing."""

    reply: Reply
    keys: tuple[str, ...] = ()
    etags: tuple[str, ...] = ()
    after: str = ""
    """What asks for the next page; "" after the last one."""


@dataclass(slots=True)
class Ledger:
    """All that was perhaps written, whether the host said so or not."""

    keys: dict[str, None] = field(default_factory=dict)
    uploads: dict[tuple[str, str], None] = field(default_factory=dict)
    """Keys and ids."""
    versions: dict[tuple[str, str], None] = field(default_factory=dict)
    """Keys and ids, of objects and of markers that they are deleted."""

    def note(self, method: str, key: str) -> None:
        """Note a request before it is sent."""
        if key and method in ("PUT", "POST"):
            self.keys[key] = None

    def learn(self, method: str, key: str, version: str | None) -> None:
        """Note which version an answer says that a request made."""
        if key and version and version != "null" and method in ("PUT", "POST", "DELETE"):
            self.versions[key, version] = None


class Raw(Protocol):
    """One bucket or container. Keys are whole: nothing stands before them. Safe to use from several threads.

    Every method raises Unavailable where no usable answer came in time.
    """

    kind: Literal["s3", "az"]
    endpoint: str
    transport: Transport
    ledger: Ledger

    def send(
        self,
        method: str,
        key: str = "",
        query: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes | None = None,
        *,
        sender: Sender = "owner",
    ) -> Reply:
        """Send one request about a key, or about the container where it is empty. `query` is encoded already."""

    def fetch(self, url: str) -> Reply:
        """GET a URL as it stands."""

    def presigned(self, key: str, *, start: datetime, seconds: int) -> str:
        """Return a URL that lets anybody read a key from `start`, for some seconds. Raises: ConfigurationError (no key)."""

    def put(self, key: str, data: bytes, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """Write an object in one request."""

    def metadata_header(self, name: str) -> str:
        """Return the header that carries user metadata of this name."""

    def page(self, prefix: str, *, most: int = 1000, after: str = "") -> Page:
        """List one page of the keys that begin with `prefix`."""

    def begin(self, key: str) -> tuple[Reply | None, str]:
        """Begin a staged upload, and return its id; no answer where the host is asked nothing."""

    def part(self, key: str, upload: str, number: int, data: bytes, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """Stage part `number`, counted from 1."""

    def complete(
        self, key: str, upload: str, parts: Sequence[tuple[int, str]], headers: Mapping[str, str] = NO_HEADERS
    ) -> Reply:
        """Make an object of parts, each a number and the ETag that it was answered with."""

    def abort(self, key: str, upload: str) -> Reply:
        """Drop a staged upload."""

    def staged(self, key: str, upload: str) -> tuple[Reply, dict[int, int]]:
        """List the parts of an upload: bytes, by number."""

    def uploads(self, prefix: str) -> tuple[Reply, list[tuple[str, str]]]:
        """List unfinished uploads: keys and ids."""

    def versions(self, prefix: str) -> tuple[Reply, list[tuple[str, str]]]:
        """List all versions of objects and all markers of their deletion: keys and ids."""

    def delete(self, key: str, headers: Mapping[str, str] = NO_HEADERS, *, version: str = "") -> Reply:
        """Delete an object, or one version of it."""

    def close(self) -> None:
        """Close connections."""
