"""How many requests and bytes copying takes, counted exactly from sizes. Pure.

The numbers are those of a run in which no request is repeated and nothing changes meanwhile.
"""

from dataclasses import dataclass
from typing import Final

from migrate.entries import Route
from portable.volume.reading import WINDOW

PAGE: Final = {"az": 5_000, "s3": 1_000}
"""Entries that one listing request returns (List Blobs; ListObjectsV2)."""


@dataclass(slots=True)
class Traffic:
    """The requests that copying makes, and the bytes that they carry."""

    route: Route
    objects: int = 0
    read_bytes: int = 0
    stored_bytes: int = 0
    """At the target, encryption included; metadata objects not."""
    gets: int = 0
    """Reads at the source, of at most `WINDOW` bytes each."""
    puts: int = 0
    """Objects written in one request."""
    uploads: int = 0
    """Objects written in parts: one request to begin, one a part, one to commit."""
    parts: int = 0
    impossible: int = 0
    """Objects that no message can hold; they are in no other number."""

    def add(self, size: int) -> None:
        """Count one object of `size` bytes that is to be copied."""
        stored = self.route.stored(size)
        if stored is None:
            self.impossible += 1
            return
        self.objects += 1
        self.read_bytes += size
        self.stored_bytes += stored
        self.gets += max(1, -(-size // WINDOW))
        target = self.route.capabilities
        if stored <= target.part_size or not target.conditional_commit:
            self.puts += 1
        else:
            self.uploads += 1
            self.parts += -(-stored // target.part_size_for(min(stored, target.largest_upload)))


def listing_pages(scheme: str, entries: int) -> int:
    """Return how many requests list so many entries; 0 for a store that is listed without requests."""
    return max(1, -(-entries // PAGE[scheme])) if scheme in PAGE else 0
