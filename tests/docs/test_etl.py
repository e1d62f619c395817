"""The pages on libraries show the programs that tests/examples runs, and name every library of their index."""

import re

from tests.docs.etl_pages import PAGES, programs, shown
from tests.docs.pages import CHECKOUT


def test_every_program_is_shown_by_a_page_as_it_is() -> None:
    assert shown() == programs()


def test_every_page_says_how_its_program_is_run() -> None:
    for path in programs():
        (page,) = (page for page in PAGES.glob("*.md") if path in page.read_text())
        command = f"python -m {path.removesuffix('.py').replace('/', '.')} portable://lake"
        assert command in page.read_text()
        assert command in (CHECKOUT / path).read_text()


def test_every_program_is_run_by_a_test() -> None:
    run = set(re.findall(r'lake\.run\("(examples\.etl\.\w+)"', (CHECKOUT / "tests/examples/test_etl.py").read_text()))
    assert run == {path.removesuffix(".py").replace("/", ".") for path in programs()}
