"""One encrypted volume for all tests of a module, with the sample table in it."""

from collections.abc import Iterator

import pytest

from tests.examples.lakes import Lake, open_lake
from tests.servers import SeaweedFS


@pytest.fixture(scope="module")
def lake(seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Make the volume and put the sample table into it."""
    with open_lake(seaweedfs, tmp_path_factory.mktemp("lake")) as lake:
        lake.run("examples.etl.visits", "portable://lake")
        yield lake
