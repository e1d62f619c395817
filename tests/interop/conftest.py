"""Keys and objects of a volume that the tests of this folder share, and where the published vectors are."""

import os
from pathlib import Path
from typing import Final

import pytest

from portable.keys.volume_keys import VolumeKeys

VECTORS: Final = Path(os.environ.get("PORTABLE_VECTORS") or "vectors") / "commitment-test-vectors.json"
"""From the public Python SDK, test/resources; not copied into this project."""

collect_ignore = [] if VECTORS.is_file() else ["test_vectors.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so where the published vectors were not tried."""
    if collect_ignore:
        terminalreporter.write_line(f"published vectors not tried: PORTABLE_VECTORS names no folder that holds {VECTORS.name}")


@pytest.fixture(scope="session")
def keys() -> VolumeKeys:
    """The keys of a volume with short frames."""
    return VolumeKeys.generate("lake", frame_length=4096)
