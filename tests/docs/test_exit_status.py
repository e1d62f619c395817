import re
from collections.abc import Iterator

from portable.errors import PortableError
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "exit-status.md"
STATUS = re.compile(r"^\| (\d+) \|", re.MULTILINE)
KIND = re.compile(r"^\| `([a-z-]+)` \| `(\w+)` \| (\d+) \|", re.MULTILINE)


def errors(base: type[PortableError]) -> Iterator[type[PortableError]]:
    if base.__module__ == PortableError.__module__:
        yield base
        for error in base.__subclasses__():
            yield from errors(error)


def test_every_exit_status_is_described_once() -> None:
    assert STATUS.findall(PAGE.read_text()) == ["0", "1", "2", "3", "130"]


def test_every_error_is_listed_with_its_kind_and_exit_status() -> None:
    listed = {(kind, name, int(status)) for kind, name, status in KIND.findall(PAGE.read_text())}
    assert listed == {(error.kind, error.__name__, error.exit_status) for error in errors(PortableError)}
