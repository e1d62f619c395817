"""Servers, one of each for a test run, started when a test first asks for it."""

import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests.servers import Azurite, Ceph, JuiceFS, MiniStack, Moto, Rclone, SeaweedFS, Swift

# A shell that runs the tests in the background has its children ignore Ctrl-C, and theirs, which some tests interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Each session of botocore reads its description of S3 anew, which takes longer than most tests: here all share one reader.
botocore.session.create_loader = cache(botocore.session.create_loader)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep pins and configuration of the machine out of every test, and those of a test out of the machine."""
    monkeypatch.setenv("PORTABLE_STATE", str(tmp_path / "portable-state"))
    for variable in (
        "CONFIG",
        "CATALOG",
        "AUTHORITY",
        "KEYRING",
        "PATIENCE",
        "READING",
        "PASSPHRASE",
        "PASSPHRASE_FILE",
        "IDENTITY",
    ):
        monkeypatch.delenv(f"PORTABLE_{variable}", raising=False)


def one_for_the_run(kind: Callable[[Path], Any]) -> Any:
    """Make the fixture of a kind of server, which has the name of its class in lower case."""
    name = kind.__name__.lower()

    @pytest.fixture(scope="session", name=name)
    def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
        with kind(tmp_path_factory.mktemp(name)) as running:
            yield running

    return server


azurite, seaweedfs = one_for_the_run(Azurite), one_for_the_run(SeaweedFS)
juicefs, ministack, moto, rclone = (one_for_the_run(kind) for kind in (JuiceFS, MiniStack, Moto, Rclone))
ceph, swift = one_for_the_run(Ceph), one_for_the_run(Swift)


@pytest.fixture
def bucket(seaweedfs: SeaweedFS) -> Iterator[str]:
    """Name a bucket of SeaweedFS that only this test uses."""
    name = seaweedfs.make_bucket()
    yield name
    seaweedfs.remove_bucket(name)


@pytest.fixture
def container(azurite: Azurite) -> Iterator[str]:
    """Name a container of Azurite that only this test uses."""
    name = azurite.make_container()
    yield name
    azurite.remove_container(name)
