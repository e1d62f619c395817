"""The reference page tells what the servers answer, and names every check."""

from typing import Final

import pytest

from portable.hosts.checks import CHECKS
from portable.hosts.measurements import MEASUREMENTS
from portable.probe.table import TABLE
from tests.probe.conftest import Ask
from tests.probe.document import PAGE, TITLES, column, written
from tests.probe.servers import ALWAYS, WITH_DEBIAN_PACKAGES

SERVERS: Final = [*ALWAYS, *(pytest.param(name, marks=pytest.mark.hosts) for name in WITH_DEBIAN_PACKAGES)]


@pytest.mark.parametrize("name", SERVERS)
def test_the_page_tells_what_a_server_answers(name: str, outcome_of: Ask) -> None:
    told, found = written(PAGE.read_text())[name], column(outcome_of(name).result)
    assert {check: told.get(check) for check in CHECKS} == found


def test_every_server_has_a_column() -> None:
    assert set(TITLES) == {*ALWAYS, *WITH_DEBIAN_PACKAGES}


def test_every_check_has_a_row_in_the_table_of_the_probe_and_none_else() -> None:
    assert list(TABLE) == list(CHECKS)


def test_every_measurement_says_what_it_is() -> None:
    assert all(measurement.words and measurement.unit for measurement in MEASUREMENTS.values())
