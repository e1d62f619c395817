import re

from migrate.findings import TABLE
from migrate.states import STATES
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "migration-file.md"
FINDING = re.compile(r"^\| `([a-z0-9-]+)` \| (blocking|loss|notice) \| (yes|no|-) \|", re.MULTILINE)
STATE = re.compile(r"^\| `([a-z]+)` \| [^|]+ \|$", re.MULTILINE)


def can_be_accepted(severity: str, accepted: str | None) -> str:
    return "-" if severity != "blocking" else "yes" if accepted else "no"


def test_every_finding_is_listed_in_order_with_its_severity_and_whether_it_can_be_accepted() -> None:
    table = [(kind.id, kind.severity, can_be_accepted(kind.severity, kind.accepted)) for kind in TABLE]
    assert FINDING.findall(PAGE.read_text()) == table


def test_every_state_of_an_object_is_described_once() -> None:
    states = PAGE.read_text().partition("### States of an object\n")[2].partition("\n#")[0]
    assert STATE.findall(states) == list(STATES)
