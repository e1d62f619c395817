"""What each server answered, asked once; and servers that lie."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from portable.probe import Outcome
from tests.probe.liar import Liar
from tests.probe.servers import probed
from tests.servers import Moto

Ask = Callable[[str], Outcome]


@pytest.fixture(scope="session")
def outcome_of(request: pytest.FixtureRequest) -> Ask:
    """Return the outcome of the probe of a server, by its name."""

    @cache
    def ask(name: str) -> Outcome:
        return probed(name, request.getfixturevalue(name))

    return ask


@pytest.fixture
def liar(moto: Moto) -> Iterator[Liar]:
    """A server that lies as it is told, and is moto, which takes any signature, in all else."""
    with Liar(moto) as running:
        yield running
