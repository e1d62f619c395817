"""A listing that comes in pages, and that a lost page does not end."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, TypeVar

from portable.errors import Unavailable

Entry = TypeVar("Entry")

MOST_EMPTY: Final = 100_000
"""Pages without an entry, one after another. Hosts may give some where they pass over what they do not show, and backends make
some of pages that hold nothing asked for: Azure's unfinished uploads are looked for among all blobs, 5,000 a page."""


class Pages(Generic[Entry]):
    """The entries of a listing. A backend whose host lists in pages returns this from `list`, `inventory` and `unfinished`.

    A generator is over once it has raised. This is not: where a page could not be had, the next call asks for the same page
    again, so that nothing is left out and nothing comes twice. `RetryingBackend` relies on it; who iterates need not know.
    """

    def __init__(self, fetch: Callable[[str | None], tuple[Iterable[Entry], str | None]], *, url: str) -> None:
        """Nothing is sent yet.

        `fetch` sends one request: it takes a page's marker, None for the first page, and returns the page's entries and the
        marker of the page that follows, None after the last ("" where the host speaks of more pages, and names none: that is
        an error, not an end). It is asked for a page again after it raised. `url` is the store's, for messages.
        """
        self._fetch, self._url = fetch, url
        self._marker: str | None = None
        self._seen: set[int] = set()
        self._ended = False
        self._empty = 0
        self._entries: Iterator[Entry] = iter(())

    def page(self) -> list[Entry] | None:
        """Return the entries of the page that is due, perhaps none, or None after the last.

        Raises: what `fetch` raises, and Unavailable where the host repeats a marker or a page, or gives `MOST_EMPTY` empty ones
        in a row. The page is then still due.
        """
        if self._ended:
            return None
        entries, following = self._fetch(self._marker)
        page = list(entries)
        if following == "":
            raise Unavailable(f"list {self._url}: the host speaks of another page, and does not name it")
        # Two integers a page: a listing of a billion objects keeps two million.
        marks = {hash((mark,)) for mark in (following, repr(page[0]) if page else None) if mark}
        if marks & self._seen:
            raise Unavailable(f"list {self._url}: the host repeats a page or its continuation token")
        empty = 0 if page else self._empty + 1
        if empty > MOST_EMPTY:
            raise Unavailable(f"list {self._url}: the host gave {empty} pages in a row with nothing on them, and names another")
        self._seen |= marks
        self._marker, self._ended, self._empty = following, following is None, empty
        return page

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        for entry in self._entries:
            return entry
        while (page := self.page()) is not None:
            self._entries = iter(page)
            for entry in self._entries:
                return entry
        raise StopIteration
