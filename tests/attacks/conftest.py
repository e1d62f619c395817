"""A sealed volume at a malicious host."""

import pytest

from tests.attacks.host import Place


@pytest.fixture
def place() -> Place:
    """Return a volume with one object, and the host that keeps it."""
    return Place()
