"""Totals that add up and count nothing unknown, and what changed between two documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import ConfigurationError
from portable.hosts.candidates import Candidate
from portable.hosts.comparing import VERDICTS, check_answers, compare
from portable.hosts.difference import differences
from portable.hosts.requirements import LEVELS
from tests.hosts.making import TODAY, criterion, probe, profile, requirements

CHECK = "multipart"


@given(st.lists(st.tuples(st.sampled_from(LEVELS), st.integers(1, 9), st.sampled_from(["yes", "no", "unknown"])), min_size=1))
def test_totals_add_up_and_unknown_is_never_counted_as_met(drawn: list[tuple[str, int, str]]) -> None:
    names = ["multipart", "metadata", "ranged-reads", "long-keys", "unicode-keys", "awkward-keys", "list-uploads"]
    drawn = drawn[: len(names)]
    parts = [
        criterion(f"c{at}", f'{{ check = "{names[at]}" }}', level=level, weight=weight)
        for at, (level, weight, _) in enumerate(drawn)
    ]
    answers = {names[at]: answer for at, (_, _, answer) in enumerate(drawn)}
    taken = probe(answers)  # type: ignore[arg-type]  # drawn from the literals
    matrix = compare(requirements(*parts), [Candidate("acme", profile(""), None, (taken,))], TODAY)
    (host,) = matrix.hosts
    for level in LEVELS:
        sums = matrix.totals(host)[level]
        of_level = [(weight, answer) for drawn_level, weight, answer in drawn if drawn_level == level]
        assert (sums["met"].criteria, sums["met"].weight) == (
            sum(answer == "yes" for _, answer in of_level),
            sum(weight for weight, answer in of_level if answer == "yes"),
        )
        assert sum(sums[verdict].criteria for verdict in VERDICTS) == matrix.total(level).criteria
        assert sum(sums[verdict].weight for verdict in VERDICTS) == matrix.total(level).weight
    musts = {f"c{at}" for at, (level, _, answer) in enumerate(drawn) if level == "must" and answer != "yes"}
    lacking = matrix.lacking(host)
    assert set(lacking["not met"]) | set(lacking["unknown"]) == musts


def test_a_host_without_a_profile_is_decided_by_its_probe_alone() -> None:
    document = requirements(criterion("a", f'{{ check = "{CHECK}" }}'), criterion("b", '{ field = "certifications.hds" }'))
    (host,) = compare(document, [Candidate("https://x.example", None, None, (probe({CHECK: "yes"}),))], TODAY).hosts
    assert [host.cells[id_].answer for id_ in ("a", "b")] == ["met", "unknown"]


def test_an_answer_about_a_host_that_nobody_knows_is_refused() -> None:
    answer = '[[answers]]\ncriterion = "a"\nhost = "acmee"\nanswer = "yes"\nevidence = "x"\nby = "y"\ndate = 2026-11-01\n'
    document = requirements(criterion("a", '{ human = "audit" }'), answer)
    with pytest.raises(ConfigurationError, match=r"the answer to criterion 'a': .* did you mean 'acme'"):
        check_answers(document, {"acme": profile("")}, "requirements.toml")


def test_a_difference_names_what_appeared_vanished_moved_and_changed_with_dates() -> None:
    audit, parts = '{ human = "audit" }', '{ field = "limits.max_parts", at_least = %s }'
    old = requirements(
        criterion("gone", audit, day="2020-01-01"),
        criterion("same", audit, day="2020-01-01"),
        criterion("harder", audit, level="should", day="2020-01-01"),
        criterion("softer", audit, day="2020-01-01"),
        criterion("tuned", parts % 1_000, day="2020-01-01"),
    )
    new = requirements(
        criterion("same", audit, day="2020-01-01"),
        criterion("harder", audit, day="2021-02-02"),
        criterion("softer", audit, level="should", day="2020-01-01"),
        criterion("tuned", parts % 10_000, weight=5, day="2022-03-03"),
        criterion("fresh", audit, level="should", day="2023-04-04"),
    )
    found = {change.id: change for change in differences(old, new)}
    assert {id_: change.kind for id_, change in found.items()} == {
        "harder": "moved to must",
        "softer": "moved to should",
        "tuned": "changed",
        "fresh": "appeared",
        "gone": "vanished",
    }
    assert (str(found["harder"].before), str(found["harder"].after)) == ("2020-01-01", "2021-02-02")
    assert (found["harder"].undated, found["softer"].undated) == (False, True)
    assert set(found["tuned"].fields) == {"weight", "decided"}
    assert (str(found["fresh"].after), found["fresh"].before) == ("2023-04-04", None)
    assert (str(found["gone"].before), found["gone"].after) == ("2020-01-01", None)


def test_a_document_does_not_differ_from_itself() -> None:
    document = requirements(criterion("a", '{ human = "audit" }'))
    assert differences(document, document) == ()
