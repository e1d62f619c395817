"""S3 listings with exact keys, by requests of our own: what the SDK makes of a page takes 150 us a key."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from portable.backends import s3_multipart, s3_pages
from portable.backends.answers import no_answer
from portable.backends.pages import Pages
from portable.backends.protocol import Folder, Stat, Unfinished
from portable.backends.s3_pages import Page
from portable.backends.s3_wire import S3Wire
from portable.backends.traits import ListVersion

E = TypeVar("E")

PAGE_SIZE = 1000
"""Objects and folders; the most that hosts give at once."""


class S3Listing:
    """The listings of one bucket. What each gives raises, as it goes on: NotFound (the bucket), Denied, Unavailable."""

    def __init__(self, wire: S3Wire, version: ListVersion, *, url: str, encoded: bool = True) -> None:
        """`version` is that of ListObjects; `encoded` asks for URL-encoded keys."""
        self._wire, self._version, self._url = wire, version, url
        self._encoded: dict[str, object] = {"encoding-type": "url"} if encoded else {}

    def objects(self, root: str, prefix: str) -> Pages[Stat]:
        """List the keys, relative to `root`, that start with `prefix`; not the root itself."""
        return self._pages(root + prefix, lambda page: page.stats(root))

    def children(self, root: str, prefix: str) -> Pages[Stat | Folder]:
        """List what stands directly under a prefix (relative to `root`), which is "" or ends in a slash."""

        def read(page: Page) -> Iterator[Stat | Folder]:
            yield from page.folders(root, prefix)
            yield from page.stats(root)

        return self._pages(root + prefix, read, delimiter="/")

    def inventory(self, root: str, prefix: str = "") -> Pages[Stat]:
        """List as `objects` does, with details, and the root itself."""
        return self._pages(root + prefix, lambda page: page.inventory(root))

    def uploads(self, root: str) -> Pages[Unfinished]:
        """List the uploads below `root`, keys relative to it, that were neither completed nor aborted.

        Keys are asked for as they are, since SeaweedFS says that it encodes them and does not; URL-encoded, where a page is no
        XML because of one.
        """

        def fetch(marker: str | None) -> tuple[list[Unfinished], str | None]:
            asked: dict[str, object] = {"uploads": "", "prefix": root}
            if marker is not None:
                key, _, token = marker.partition(s3_multipart.BETWEEN)
                asked |= {"key-marker": key, "upload-id-marker": token}
            answer = self._wire.page(asked)
            with suppress(ValueError):
                return s3_multipart.uploads(answer, root)
            answer = self._wire.page(asked | self._encoded)
            try:
                return s3_multipart.uploads(answer, root)
            except ValueError as error:
                raise self._no_listing(error) from None

        return Pages(fetch, url=self._url)

    def is_any_below(self, whole: str, *, key: str) -> bool:
        """Tell whether any key of the bucket starts with `whole`; `key` is for messages."""
        return bool(self._page({"prefix": whole, "max-keys": 1, **self._encoded}, None, key).rows)

    def _pages(self, prefix: str, read: Callable[[Page], Iterator[E]], *, delimiter: str = "") -> Pages[E]:
        asked: dict[str, object] = {"prefix": prefix, "max-keys": PAGE_SIZE, **self._encoded}
        if delimiter:
            asked["delimiter"] = delimiter

        def fetch(marker: str | None) -> tuple[list[E], str | None]:
            page = self._page(asked, marker, "")
            try:
                return list(read(page)), page.following(self._version)
            except ValueError as error:
                raise self._no_listing(error) from None

        return Pages(fetch, url=self._url)

    def _page(self, asked: dict[str, object], marker: str | None, key: str) -> Page:
        """Ask for a page."""
        version: dict[str, object] = {} if self._version == 1 else {"list-type": 2}
        if marker is not None:
            version["marker" if self._version == 1 else "continuation-token"] = marker
        answer = self._wire.page(asked | version, key=key)
        try:
            return s3_pages.page(answer)
        except (KeyError, ValueError) as error:
            raise self._no_listing(error) from None

    def _no_listing(self, error: Exception) -> Exception:
        return no_answer(f"the answer is no listing ({error})", operation="list", key="", url=self._url)
