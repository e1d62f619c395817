"""Requirements documents: what is refused, and the example that is shipped."""

from collections import Counter
from pathlib import Path

import pytest

from portable.errors import ConfigurationError
from portable.hosts.requirements import Requirements
from tests.hosts.making import criterion, requirements

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "requirements-health-data.toml"


def changed(old: str, new: str) -> str:
    text = criterion("it", '{ field = "limits.max_parts", at_least = 1 }')
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("written", "line", "says"),
    [
        (changed('fr = "fr it"\n', ""), 7, "criteria 'it' lacks the field 'fr' (its text in French)"),
        (changed('en = "en it"\n', ""), 7, "criteria 'it' lacks the field 'en' (its text in English)"),
        (changed('fr = "fr it"', 'fr = ""'), 12, "criteria 'it'.fr: Expected `str` of length >= 1"),
        (changed('level = "must"', 'level = "shall"'), 10, "Invalid enum value 'shall'"),
        (changed("weight", "wieght"), 11, "criteria 'it' has no field 'wieght'; did you mean 'weight'?"),
        (changed('section = "all"', 'section = "al"'), 9, "there is no section 'al'; did you mean 'all'?"),
        (changed("provenance", "provenence"), 14, "did you mean 'provenance'?"),
        (changed('id = "it"', 'id = "It"'), 8, "Expected `str` matching regex"),
        (criterion("it", "{}"), 16, "nothing can decide it"),
        (criterion("it", '{ check = "multipart", human = "audit" }'), 16, "`decided` has check and human; give exactly one"),
        (criterion("it", '{ check = "multiprat" }'), 16, "there is no check 'multiprat'; did you mean 'multipart'?"),
        (criterion("it", '{ check = "multipart", equals = true }'), 16, "`equals` goes with a field, not with check"),
        (criterion("it", '{ human = "contract", unit = "EUR" }'), 16, "`unit` goes with a field, not with human"),
        (criterion("it", '{ human = "contrat" }'), 16, "Invalid enum value 'contrat'"),
        (criterion("it", '{ field = "limits.max_part" }'), 16, "no field 'limits.max_part'; did you mean 'limits.max_parts'?"),
        (criterion("it", '{ field = "limits.max_parts" }'), 16, "needs a comparison: equals, at_least, at_most"),
        (criterion("it", '{ field = "limits.max_parts", at_least = 1, at_most = 2 }'), 16, "give one comparison"),
        (
            criterion("it", '{ field = "limits.max_parts", one_of = ["1"] }'),
            16,
            "`one_of` does not compare limits.max_parts (number)",
        ),
        (
            criterion("it", '{ field = "limits.max_parts", equals = "1" }'),
            16,
            "does not compare with limits.max_parts (number)",
        ),
        (
            criterion("it", '{ field = "limits.max_parts", equals = true }'),
            16,
            "does not compare with limits.max_parts (number)",
        ),
        (
            criterion("it", '{ field = "features.tagging", equals = 1 }'),
            16,
            "does not compare with features.tagging (yes or no)",
        ),
        (criterion("it", '{ field = "features.tagging", at_leest = 1 }'), 16, "did you mean 'at_least'?"),
        (
            criterion("it", '{ field = "certifications.hds", equals = true }'),
            16,
            "`equals` does not compare certifications.hds",
        ),
        (criterion("it", '{ field = "prices.egress", at_most = 1 }'), 16, "is a price: say in which unit"),
        (criterion("it", '{ field = "limits.max_parts", at_most = 1, unit = "EUR" }'), 16, "is no price: leave `unit` out"),
        (criterion("it", '{ human = "audit" }') * 2, 17, "two criteria have the id 'it'; the first stands on line 7"),
    ],
)
def test_a_wrong_criterion_is_refused_with_file_line_and_id(written: str, line: int, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        requirements(written)
    assert str(refused.value).startswith(f"requirements.toml:{line}: ")
    assert says in str(refused.value)


ANSWER = '[[answers]]\ncriterion = "{id}"\nhost = "acme"\nanswer = "yes"\nevidence = "x"\nby = "y"\ndate = 2026-11-01\n'


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ANSWER.format(id="numbre"), "there is no criterion 'numbre'; did you mean 'number'?"),
        (ANSWER.format(id="number"), "criterion 'number' is not decided by a person"),
        (ANSWER.format(id="it").replace('evidence = "x"\n', ""), "lacks the field 'evidence' (what the answer rests on)"),
        (ANSWER.format(id="it").replace('"yes"', '"unknown"'), "Invalid enum value 'unknown'"),
    ],
)
def test_a_wrong_answer_is_refused(answer: str, says: str) -> None:
    human, number = criterion("it", '{ human = "audit" }'), criterion("number", '{ field = "limits.max_parts", at_least = 1 }')
    with pytest.raises(ConfigurationError) as refused:
        requirements(human, number, answer)
    assert says in str(refused.value)


def test_a_file_that_is_not_there_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        Requirements.load(tmp_path / "nowhere.toml")
    (tmp_path / "broken.toml").write_text("date = 2026-11-22\ntitle = x\n")
    with pytest.raises(ConfigurationError, match=r"broken.toml is not valid TOML: .*line 2"):
        Requirements.load(tmp_path / "broken.toml")
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(ConfigurationError, match="it is not UTF-8"):
        Requirements.load(tmp_path / "latin.toml")


def test_the_example_has_more_than_sixty_criteria_decided_in_all_three_ways() -> None:
    example = Requirements.load(EXAMPLE)
    ways = Counter(
        way for one in example.criteria for way in ("field", "check", "human") if getattr(one.decided, way) is not None
    )
    assert len(example.criteria) > 60
    assert min(ways[way] for way in ("field", "check", "human")) >= 15
    assert {one.section for one in example.criteria} == set(example.sections)
    assert {one.level for one in example.criteria} == {"must", "should"}


def test_the_example_answers_nothing_in_the_name_of_a_person() -> None:
    assert Requirements.load(EXAMPLE).answers == ()


def test_the_texts_of_the_example_differ_between_the_languages() -> None:
    assert [one.id for one in Requirements.load(EXAMPLE).criteria if one.fr == one.en] == []
