"""How reads are planned is said by the call, else by the configuration, and reaches every volume that is opened."""

import threading
import uuid
from pathlib import Path

import pytest

from portable import open_volume
from portable.catalog.entry import Home
from portable.errors import ConfigurationError
from portable.opening import HomeOpener
from portable.volume import Reading, Volume

RANGES = [(number * 200_000, number * 200_000 + 1) for number in range(10)]


@pytest.fixture
def url():
    return f"memory://{uuid.uuid4().hex}"


def threads(volume: Volume) -> int:
    """Return how many threads the volume reads with, beside the caller's."""
    volume.write("k", bytes(2_000_000))
    before = threading.active_count()
    volume.read_ranges("k", RANGES)
    made = threading.active_count() - before
    volume.close()
    return made


def test_the_call_says_how_reads_are_planned(url: str) -> None:
    assert threads(open_volume(url, reading=Reading(requests=1))) == 0
    assert 0 < threads(open_volume(url, reading=Reading(requests=3))) < 3


def test_without_a_word_of_the_call_the_configuration_does(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert threads(open_volume(url)) > 0
    monkeypatch.setenv("PORTABLE_READING", "requests=1")
    assert threads(open_volume(url)) == 0
    assert threads(open_volume(url, reading=Reading())) > 0


def test_homes_of_a_catalog_are_opened_with_it(url: str, tmp_path: Path) -> None:
    opener = HomeOpener(tmp_path, "sha256:0", None, None, Reading(requests=1))
    assert threads(opener(Home(url=url, mode="clear"), 10.0)) == 0


def test_a_number_that_there_is_not_is_an_error_that_names_those_there_are(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTABLE_READING", "threads=1")
    with pytest.raises(ConfigurationError, match=r"threads=1.*requests, piece"):
        open_volume(url)
