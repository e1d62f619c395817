"""What one store may be asked for, by its host's contract. Pure: whatever is refused here was never sent."""

import re
from dataclasses import dataclass, field
from unicodedata import is_normalized

from portable.backends.attribute_rules import check_s3
from portable.backends.key_rules import S3_KEY_BYTES, awkward, check_text, check_writable
from portable.backends.parts import SLOWEST
from portable.backends.protocol import ABSENT, ANY, Attributes, Capabilities, Expectation, Matches
from portable.backends.traits import Contract, Parts
from portable.errors import InvalidKey, Unsupported


@dataclass(frozen=True)
class Rules:
    """The rules of one bucket and prefix."""

    url: str
    prefix: str
    contract: Contract
    storage_class: str | None = None
    """What objects are written in; the host's own default where it is None."""
    _not_held: re.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = self.contract.keys.not_held
        object.__setattr__(self, "_not_held", re.compile(pattern) if pattern else None)

    def capabilities(self) -> Capabilities:
        """Return what the contract allows."""
        conditions, parts, put = self.contract.conditions, self.contract.parts, self.contract.put
        largest = largest_part(parts)
        return Capabilities(
            conditional_create=conditions.create,
            conditional_replace=conditions.replace,
            conditional_delete=conditions.delete,
            conditional_commit=conditions.commit,
            attributes=self.contract.held.attributes,
            checksums=frozenset() if put == "none" else frozenset({put}),
            resumable=True,
            tags=self.contract.held.tags,
            versions=self.contract.held.versions,
            part_size=min(parts.size, largest),
            max_parts=parts.most,
            largest_part=largest,
            largest_object=parts.whole,
            key_room=self.contract.keys.longest - len(self.prefix.encode()),
            empty_folders=self.contract.keys.folders != "none",
        )

    def is_plain(self, key: str) -> bool:
        """Tell whether hosts hold the key as it is. Raises: InvalidKey (none of this host's is spelled so, or is as long)."""
        check_text(key, url=self.url)
        whole = self.prefix + key
        if not whole:
            raise InvalidKey(f"key {key!r} in {self.url}: no object has an empty key")
        if len(whole) * 4 > S3_KEY_BYTES and len(whole.encode()) > S3_KEY_BYTES:
            raise InvalidKey(f"key {key[:40]!r}... in {self.url}: no host has keys of over {S3_KEY_BYTES} bytes")
        self._check_normal(key)
        return awkward(whole) is None

    def check_write(self, key: str, attributes: Attributes | None) -> None:
        """Raise InvalidKey for a key that the host would not hold unchanged, Unsupported for such attributes."""
        check_text(key, url=self.url)
        self._check_normal(key)
        whole = self.prefix + key
        keys = self.contract.keys
        check_writable(key, len(whole.encode()), keys.longest, url=self.url, whole=whole)
        longest = keys.longest_segment
        if longest and len(whole) * 4 > longest and any(len(part.encode()) > longest for part in whole.split("/")):
            raise InvalidKey(f"key {key[:40]!r}... in {self.url}: the host allows {longest} bytes between two slashes")
        if self._not_held is not None and self._not_held.search(whole):
            raise InvalidKey(f"key {key!r} in {self.url}: the host keeps such keys for itself, or hides them")
        if attributes is not None and attributes != Attributes():
            self._check_attributes(attributes)

    def check_condition(self, operation: str, key: str, expect: Expectation) -> None:
        """Raise Unsupported for an expectation that the host would ignore, or could not hold."""
        if expect == ANY:
            return
        conditions = self.contract.conditions
        honoured = {
            "put": conditions.create if expect == ABSENT else conditions.replace,
            "delete": conditions.delete,
            "commit": conditions.commit,
        }
        if operation == "delete" and expect == ABSENT:
            raise Unsupported(f"delete {key!r} in {self.url}: nothing can be deleted where nothing is expected")
        if not honoured[operation]:
            raise Unsupported(f"{operation} {key!r} in {self.url}: the host does not honour this condition")

    def sent(self, expect: Expectation) -> Expectation:
        """Spell an expectation as the host's conditions of writes take it."""
        if self.contract.conditions.quoted or not isinstance(expect, Matches):
            return expect
        return Matches(expect.etag.strip('"'))

    def _check_normal(self, key: str) -> None:
        if self.contract.keys.normal and not is_normalized("NFC", self.prefix + key):
            raise InvalidKey(f"key {key!r} in {self.url}: the host takes it for its composed form (Unicode NFC)")

    def _check_attributes(self, attributes: Attributes) -> None:
        check_s3(attributes, url=self.url)
        held = self.contract.held
        if not held.attributes:
            raise Unsupported(f"{self.url}: the host does not keep all headers and metadata")
        if not held.underscores and any("_" in name for name in attributes.metadata):
            raise Unsupported(f"{self.url}: the host turns `_` in names of metadata into `-`")


def largest_part(parts: Parts) -> int:
    """Return the bytes of the largest part that gets through in the time that the host gives to a request."""
    return max(parts.smallest, min(parts.largest, parts.seconds * SLOWEST)) if parts.seconds else parts.largest
