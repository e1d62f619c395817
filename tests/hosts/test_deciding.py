"""Met, not met, unknown: what may decide a criterion, and what may not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.hosts.checks import CHECKS
from portable.hosts.comparisons import OPERATORS
from portable.hosts.fields import FIELDS
from tests.hosts.making import decided, probe

HDS = '{ field = "certifications.hds" }'
PARTS = '{ field = "limits.max_parts", at_least = 10_000 }'
EGRESS = '{ field = "prices.egress", at_most = 0.02, unit = "EUR/GB" }'
CREATE = '{ check = "conditional-create" }'


def held(rest: str = "", value: str = "held", source: str = "docs") -> str:
    return f'[certifications]\nhds = {{ value = "{value}", source = "{source}", scope = "object storage"{rest} }}'


def parts(*claims: tuple[int, str]) -> str:
    said = ", ".join(f'{{ value = {value}, source = "{source}" }}' for value, source in claims)
    return f"[limits]\nmax_parts = [{said}]"


def price(source: str, unit: str = "EUR/GB") -> str:
    return f'[prices]\negress = {{ value = 0.01, unit = "{unit}", source = "{source}" }}'


@pytest.mark.parametrize("path", [path for path in FIELDS if FIELDS[path].kind == "certificate"])
def test_a_certification_that_a_profile_does_not_claim_is_unknown_and_never_met(path: str) -> None:
    cell = decided(f'{{ field = "{path}" }}', parts((1, "docs")))
    assert (cell.answer, cell.basis, cell.remarks) == ("unknown", "none", ("absent",))


@given(st.sampled_from(sorted(FIELDS)))
def test_an_empty_profile_meets_nothing_and_fails_nothing(path: str) -> None:
    operand = {
        "number": "at_least = 0",
        "price": 'at_most = 9, unit = "x"',
        "text": 'one_of = ["x"]',
        "texts": 'within = ["x"]',
    }.get(FIELDS[path].kind)
    assert decided(f'{{ field = "{path}"{f", {operand}" if operand else ""} }}').answer == "unknown"


def test_a_certificate_counts_for_the_regions_that_it_names() -> None:
    facts = held(', regions = ["fr"]')
    assert decided(HDS, facts, region="fr").answer == "met"
    for region in (None, "nl"):
        cell = decided(HDS, facts, region=region)
        assert (cell.answer, cell.remarks) == ("unknown", ("other regions",))


def test_what_is_said_of_the_very_region_goes_before_what_is_said_of_all() -> None:
    facts = (
        '[jurisdiction]\ncountries = [{ value = ["FR", "CH"], source = "docs" }, '
        '{ value = ["FR"], source = "docs", regions = ["fr"] }]'
    )
    how = '{ field = "jurisdiction.countries", within = ["FR"] }'
    assert decided(how, facts, region="fr").answer == "met"
    assert decided(how, facts, region="ch").answer == "not met"


def test_a_certificate_that_has_expired_is_unknown() -> None:
    assert decided(HDS, held(", until = 2026-11-22")).answer == "met"
    cell = decided(HDS, held(", until = 2026-11-21"))
    assert (cell.answer, cell.remarks) == ("unknown", ("expired",))


@pytest.mark.parametrize(
    ("value", "answer"), [("held", "met"), ("not held", "not met"), ("in progress", "not met"), ("other service", "unknown")]
)
def test_only_a_certificate_that_is_held_for_this_service_is_met(value: str, answer: str) -> None:
    assert decided(HDS, held(value=value)).answer == answer


def test_an_unverified_claim_decides_nothing() -> None:
    for facts in (held(source="rumour"), parts((10_000, "rumour"))):
        cell = decided(HDS if "hds" in facts else PARTS, facts)
        assert (cell.answer, cell.remarks) == ("unknown", ("unverified",))
        assert cell.evidence[0].source == "a rumour"


def test_sources_that_lead_to_different_answers_are_a_conflict_and_unknown() -> None:
    cell = decided(PARTS, parts((1_000, "docs"), (10_000, "other")))
    assert (cell.answer, cell.remarks) == ("unknown", ("conflict",))
    assert [one.value for one in cell.evidence] == [1_000, 10_000]


def test_sources_that_differ_and_lead_to_the_same_answer_decide_and_it_is_said() -> None:
    cell = decided(PARTS, parts((10_000, "docs"), (50_000, "other")))
    assert (cell.answer, cell.remarks) == ("met", ("values differ",))


def test_a_rumour_does_not_make_a_conflict() -> None:
    assert decided(PARTS, parts((10_000, "docs"), (1_000, "rumour"))).answer == "met"


def test_a_price_turns_stale_by_age_and_then_decides_nothing() -> None:
    assert decided(EGRESS, price("docs")).answer == "met"
    cell = decided(EGRESS, price("old"))
    assert (cell.answer, cell.remarks) == ("unknown", ("stale price",))


def test_a_price_in_another_unit_decides_nothing() -> None:
    assert decided(EGRESS, price("docs", "USD/GB")).remarks == ("other unit",)


def test_evidence_carries_its_source_date_and_confidence() -> None:
    (evidence,) = decided(PARTS, parts((10_000, "other"))).evidence
    assert (evidence.source, str(evidence.date), evidence.confidence, evidence.url) == (
        "somebody else",
        "2026-10-01",
        "secondary",
        "https://example.org/other",
    )


def test_a_check_that_nobody_probed_is_answered_by_the_profile_and_says_so() -> None:
    cell = decided(CREATE, '[features]\nconditional_create = { value = true, source = "docs" }')
    assert (cell.answer, cell.basis, cell.remarks) == ("met", "profile", ("not probed",))
    assert decided(CREATE).remarks == ("not probed", "absent")


def test_a_check_without_a_field_is_unknown_until_it_is_probed() -> None:
    how = '{ check = "read-after-write" }'
    assert CHECKS["read-after-write"].field is None
    assert decided(how).answer == "unknown"
    assert decided(how, "", probe({"read-after-write": "yes"})).answer == "met"


@pytest.mark.parametrize("how", [CREATE, '{ field = "features.conditional_create", equals = true }'])
def test_a_probe_outranks_the_profile_and_a_disagreement_is_said(how: str) -> None:
    facts = '[features]\nconditional_create = { value = true, source = "docs" }'
    cell = decided(how, facts, probe({"conditional-create": "no"}))
    assert (cell.answer, cell.basis, cell.remarks) == ("not met", "probe", ("probe and profile disagree",))
    assert [one.basis for one in cell.evidence] == ["probe", "profile"]
    agreed = decided(how, facts, probe({"conditional-create": "yes"}))
    assert (agreed.answer, agreed.remarks) == ("met", ())


def test_a_probe_settles_a_conflict_of_sources() -> None:
    facts = '[features]\nconditional_create = [{ value = true, source = "docs" }, { value = false, source = "other" }]'
    assert decided(CREATE, facts).remarks == ("not probed", "conflict")
    assert decided(CREATE, facts, probe({"conditional-create": "yes"})).answer == "met"


def test_a_probe_without_a_clear_answer_leaves_the_profile_to_decide_and_is_shown() -> None:
    facts = '[features]\nconditional_create = { value = true, source = "docs" }'
    cell = decided(CREATE, facts, probe({"conditional-create": "unknown"}))
    assert (cell.answer, cell.basis, cell.remarks) == ("met", "profile", ("probed unknown",))
    assert decided(CREATE, "", probe({"conditional-create": "unknown"})).answer == "unknown"


def test_the_youngest_clear_answer_of_several_probes_decides() -> None:
    probes = [probe({"multipart": answer}, day=day) for day, answer in ((10, "no"), (18, "yes"), (19, "unknown"))]  # type: ignore[dict-item]  # literals
    cell = decided('{ check = "multipart" }', "", *probes)
    assert (cell.answer, str(cell.date)) == ("met", "2026-11-18")


def test_a_probe_of_one_checksum_says_nothing_of_another() -> None:
    how = '{ field = "features.checksums", includes = ["SHA256"] }'
    assert decided(how, "", probe({"checksum-crc32": "yes"})).answer == "unknown"
    assert decided(how, "", probe({"checksum-sha256": "no"})).answer == "not met"


def test_a_person_answers_for_the_region_before_the_host() -> None:
    def answer(host: str, said: str, day: str = "2026-11-01") -> str:
        return (
            f'[[answers]]\ncriterion = "it"\nhost = "{host}"\nanswer = "{said}"\nevidence = "clause 4"\nby = "A. Martin"\n'
            f"date = {day}\n"
        )

    how = '{ human = "contract" }'
    assert decided(how).remarks == ("no answer",)
    assert decided(how, answers=answer("other", "yes")).answer == "unknown"
    cell = decided(how, answers=answer("acme", "yes"))
    assert (cell.answer, cell.basis, cell.evidence[0].value, cell.evidence[0].source) == (
        "met",
        "person",
        "clause 4",
        "A. Martin",
    )
    both = answer("acme", "yes") + answer("acme@fr", "no")
    assert (decided(how, answers=both, region="fr").answer, decided(how, answers=both).answer) == ("not met", "met")
    later = answer("acme", "yes") + answer("acme", "no", "2026-11-10")
    assert decided(how, answers=later).answer == "not met"


def test_persons_who_contradict_each_other_on_one_day_settle_nothing() -> None:
    def answer(said: str) -> str:
        head = '[[answers]]\ncriterion = "it"\nhost = "acme"\nby = "x"\ndate = 2026-11-01\n'
        return f'{head}answer = "{said}"\nevidence = "clause 4"\n'

    how = '{ human = "contract" }'
    assert decided(how, answers=answer("yes") + answer("yes")).answer == "met"
    cell = decided(how, answers=answer("yes") + answer("no"))
    assert (cell.answer, cell.remarks, len(cell.evidence)) == ("unknown", ("conflict",), 2)


def test_what_is_dated_in_the_future_decides_nothing() -> None:
    facts = '[sources.typo]\ntext = "x"\ndate = 2062-01-01\nconfidence = "primary"\n'
    cell = decided(PARTS, facts + parts((10_000, "typo")))
    assert (cell.answer, cell.remarks) == ("unknown", ("dated in the future",))
    later = decided('{ check = "multipart" }', "", probe({"multipart": "yes"}, day=23))
    assert (later.answer, later.evidence[0].remark) == ("unknown", "dated in the future")
    answer = '[[answers]]\ncriterion = "it"\nhost = "acme"\nanswer = "yes"\nevidence = "x"\nby = "x"\ndate = 2062-01-01\n'
    assert decided('{ human = "audit" }', answers=answer).answer == "unknown"


def test_no_profile_however_full_answers_for_a_person() -> None:
    assert decided('{ human = "certificate" }', held()).answer == "unknown"


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_numbers_compare_as_numbers_do(value: int, operand: int) -> None:
    facts = parts((value, "docs"))
    for name, holds in (("at_least", value >= operand), ("at_most", value <= operand), ("equals", value == operand)):
        expected = "met" if holds else "not met"
        assert decided(f'{{ field = "limits.max_parts", {name} = {operand} }}', facts).answer == expected


def test_every_kind_of_field_has_a_comparison() -> None:
    assert {field.kind for field in FIELDS.values()} == {kind for operator in OPERATORS.values() for kind in operator.kinds}


def test_every_check_that_stands_beside_a_field_names_a_field_that_exists() -> None:
    beside = [check for check in CHECKS.values() if check.field is not None]
    assert [check.name for check in beside if check.field not in FIELDS] == []
    assert [check.name for check in beside if FIELDS[str(check.field)].kind != ("texts" if check.member else "yes or no")] == []
