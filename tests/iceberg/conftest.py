"""An encrypted volume at a real S3 server."""

from collections.abc import Iterator

import pytest

from tests.examples.lakes import Lake, open_lake
from tests.servers import SeaweedFS


@pytest.fixture(scope="module")
def lake(seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Make the volume, with nothing in it."""
    with open_lake(seaweedfs, tmp_path_factory.mktemp("lake")) as lake:
        yield lake
