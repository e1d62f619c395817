"""Azure listings with exact keys, by requests of our own: what the SDK makes of a page takes 400 us a key."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, TypeVar
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

from typing_extensions import Buffer

from portable.backends import azure_pages
from portable.backends import azure_requests as requests
from portable.backends.answers import no_answer
from portable.backends.azure_wire import AzureWire
from portable.backends.pages import Pages
from portable.backends.protocol import Folder, Stat, Unfinished
from portable.errors import PortableError

PAGE_SIZE = 5000
"""Blobs; the most that the service gives at once."""
INVENTORY: Final = ("copy,deleted,metadata,snapshots,uncommittedblobs,versions", "copy,metadata,snapshots,uncommittedblobs")
"""What an inventory asks for: all, or where the account does not know versions or soft deletion, the rest."""
E = TypeVar("E")
Read = tuple[Element, Iterable[E]]
"""What is read of a page: the rest of it, and its entries."""


class AzureListing:
    """The listings of one container. What each gives raises, as it goes on: NotFound (the container), Denied, Unavailable."""

    def __init__(self, wire: AzureWire, *, url: str) -> None:
        self._wire, self._url = wire, url

    def objects(self, root: str, prefix: str) -> Pages[Stat]:
        """List the current blobs whose keys, relative to `root`, start with `prefix`."""

        def read(body: Buffer) -> Read[Stat]:
            page, rows = azure_pages.current(body)
            return page, azure_pages.stats(rows, root)

        return self._pages(root + prefix, read, "")

    def children(self, root: str, prefix: str) -> Pages[Stat | Folder]:
        """List what stands directly under a prefix (relative to `root`), which is "" or ends in a slash."""

        def read(body: Buffer) -> Read[Stat | Folder]:
            page, rows = azure_pages.current(body)
            return page, chain(azure_pages.folders(page, root, prefix), azure_pages.stats(rows, root))

        return self._pages(root + prefix, read, "", delimiter="/")

    def inventory(self, root: str) -> Pages[Stat]:
        """List every blob below `root`, its snapshots, versions and uncommitted blocks, with attributes and details."""

        def read(body: Buffer) -> Read[Stat]:
            page = azure_pages.whole(body)
            return page, azure_pages.inventory(page, root)

        return self._pages(root, read, *INVENTORY)

    def unfinished(self, root: str) -> Pages[Unfinished]:
        """List the staged uploads below `root` to names at which no blob stands."""

        def read(body: Buffer) -> Read[Unfinished]:
            page = azure_pages.whole(body)
            return page, chain.from_iterable(map(uploads, azure_pages.uncommitted(page, root)))

        def uploads(name: str) -> Iterator[Unfinished]:
            key = name[len(root) :]
            for token in sorted(self._wire.blocks(name, key=key)):
                yield Unfinished(key, token, requests.begun(token))

        return self._pages(root, read, "uncommittedblobs")

    def _pages(self, prefix: str, read: Callable[[Buffer], Read[E]], *includes: str, delimiter: str = "") -> Pages[E]:
        """List what `read` makes of each page. Of `includes`, the next is tried where the account does not know one."""
        wanted = [*includes]

        def fetch(marker: str | None) -> tuple[list[E], str | None]:
            answer, error = self._wire.page(_query(prefix, marker or "", wanted[0], delimiter))
            if answer.status == 400 and marker is None and len(wanted) > 1:
                del wanted[0]
                return fetch(marker)
            if error is not None:
                raise error
            try:
                page, entries = read(answer.body)
                return list(entries), page.findtext("NextMarker") or None
            except PortableError:  # some are ValueErrors too
                raise
            except (KeyError, ValueError):
                raise no_answer("the answer is no listing", operation="list", key="", url=self._url) from None

        return Pages(fetch, url=self._url)


def _query(prefix: str, marker: str, include: str, delimiter: str) -> str:
    asked = {
        "prefix": prefix,
        "delimiter": delimiter,
        "marker": marker,
        "include": include,
        "maxresults": str(PAGE_SIZE),
    }
    return urlencode({name: value for name, value in asked.items() if value}, quote_via=quote)
