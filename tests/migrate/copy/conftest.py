"""Fixtures of copying and verifying."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate import trouble
from tests.migrate.copy.places import Exchange


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """A migration between two stores in memory."""
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.journal.close()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat at once what is repeated."""
    monkeypatch.setattr(trouble, "LONGEST_WAIT", 0.0)
