"""What libraries ask of the host to read a table is what the page says, and less where they want less of it."""

import pytest

from tests.examples.lakes import Lake
from tests.examples.reading import READERS, ROWS, documented, measure

READS_ALL = {"polars.scan_parquet(file)"}
"""Those that read a file to its end before they look at it, as their pages say."""


def test_the_page_tells_of_every_reader() -> None:
    assert documented().keys() == READERS.keys()


# pandas 3.1 deprecates a keyword that Dask 2026.8 still uses.
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_asks_for_no_more_than_the_page_says(lake: Lake, reader: str) -> None:
    said, measured = documented()[reader], {what: measure(lake, reader, what) for what in ROWS}
    assert [what for what in ROWS if not said[what].covers(measured[what])] == [], (measured, said)
    if reader not in READS_ALL:
        # Columns and row groups that are not wanted are not fetched.
        assert measured["columns"].tenths < measured["whole"].tenths / 2
        assert measured["month"].tenths < measured["whole"].tenths / 5
