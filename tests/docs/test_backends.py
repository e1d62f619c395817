"""The reference on backends says what the code does."""

import re

from portable.backends.registry import OPENERS
from tests.docs.backend_tables import PAGE, rewritten


def test_the_tables_are_those_of_the_code() -> None:
    """If not: `python -m tests.docs.backend_tables`."""
    text = PAGE.read_text()
    assert text == rewritten(text)


def test_every_scheme_is_named() -> None:
    text = PAGE.read_text()
    assert [scheme for scheme in OPENERS if not re.search(rf"`{scheme}(\+PROTOCOL)?:///?\w", text)] == []
