"""The reference page names every field, check and comparison that there is, and its examples are accepted."""

import re
import tomllib
from pathlib import Path

from portable.hosts.acting import ACTING
from portable.hosts.checked_toml import CheckedToml
from portable.hosts.checks import CHECKS
from portable.hosts.comparisons import OPERATORS
from portable.hosts.fields import FIELDS
from portable.hosts.probe_result import parse_probe_result
from portable.hosts.profile import parse_profile
from portable.hosts.requirements import parse_requirements

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "hosts.md").read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_field_is_listed_with_its_kind_unit_and_meaning() -> None:
    rows = [f"| `{field.path}` | {field.kind} | {field.unit} | {field.words} |" for field in FIELDS.values()]
    assert [row for row in rows if row not in PAGE] == []


def test_every_field_that_acts_is_listed_with_what_it_changes() -> None:
    listed = re.findall(r"^\| `([a-z._]+)` \| `([a-z._]+)` \| .* \|$", PAGE, re.MULTILINE)
    assert listed == list(ACTING.items())


def test_every_check_is_listed_with_the_field_beside_it() -> None:
    listed = {name: rest for name, rest in re.findall(r"^\| `([a-z0-9.-]+)` \| (.*) \|$", PAGE, re.MULTILINE) if name in CHECKS}
    assert list(listed) == list(CHECKS)
    for check in CHECKS.values():
        assert check.words in listed[check.name]
        assert (f"`{check.field}`" in listed[check.name]) == (check.field is not None)


def test_every_comparison_is_explained() -> None:
    assert [name for name in OPERATORS if name != "held" and f"`{name}`" not in PAGE] == []


def test_the_examples_are_accepted() -> None:
    profile, document, answers = examples("toml")
    assert len(parse_profile(CheckedToml(profile, "example"), "example").statements) == 4
    assert len(parse_requirements(CheckedToml(document, "example")).criteria) == 1
    assert set(tomllib.loads(answers)["answers"][0]) == {"criterion", "host", "answer", "evidence", "by", "date"}
    (result,) = examples("json")
    assert parse_probe_result(result.encode(), "example").provider == "scaleway"
