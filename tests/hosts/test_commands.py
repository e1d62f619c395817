"""`portable hosts`: what it prints, in which language, and how it ends."""

import io
import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from rich.console import Console

from portable.cli.hosts.printing import print_matrix
from portable.cli.hosts.values import shown, size
from portable.cli.hosts.words import LANGUAGES, knows, word
from portable.cli.running import run
from portable.hosts.candidates import Candidate
from portable.hosts.comparing import compare
from portable.hosts.comparisons import OPERATORS
from portable.hosts.deciding import Basis, Remark, Verdict
from portable.hosts.difference import Kind
from portable.hosts.fields import FIELDS
from portable.hosts.requirements import EvidenceKind, Level
from portable.hosts.schema import Confidence, Held
from tests.hosts.making import HEAD, SOURCES, TODAY, criterion, probe, profile, requirements

FACTS = """
[limits]
max_parts = [{ value = 1_000, source = "docs" }, { value = 10_000, source = "other" }]
max_object_size = { value = 5_000_000_000_000, source = "docs" }
[endpoint]
regions = { value = ["north", "south"], source = "docs" }
[certifications]
hds = { value = "held", source = "docs", scope = "object storage", regions = ["north"] }
[prices]
egress = { value = 0.01, unit = "EUR/GB", source = "old" }
"""
CRITERIA = (
    criterion("size", '{ field = "limits.max_object_size", at_least = 1_000 }'),
    criterion("hds", '{ field = "certifications.hds" }', weight=3),
    criterion("multipart", '{ check = "multipart" }', level="should", weight=5),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "acme.toml").write_text(f'title = "Acme"\n{SOURCES}\n{FACTS}')
    (tmp_path / "requirements.toml").write_text(HEAD + "".join(CRITERIA))
    (tmp_path / "probe.json").write_bytes(msgspec.json.encode(probe({"multipart": "yes"})))
    monkeypatch.setenv("PORTABLE_HOSTS", str(tmp_path / "profiles"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    capsys.readouterr()
    assert run(["hosts", *arguments]) == status
    return capsys.readouterr().out


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(printed(capsys, "compare", "--requirements", "requirements.toml", "--json", *arguments))


def test_the_list_names_shipped_hosts_and_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "list").splitlines()
    assert [line.split()[0] for line in lines[1:]][:3] == ["acme", "aws", "azure"]
    assert re.search(r"acme +Acme +north, south +5 of \d+ +1 +2025-04-30 to 2026-11-01", lines[1])
    names = [host["name"] for host in json.loads(printed(capsys, "list", "--json"))]
    assert len(names) == len(lines) - 1


def test_a_profile_is_shown_with_sources_dates_conflicts_stale_prices_and_what_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(capsys, "show", "acme")
    conflict = [line for line in text.splitlines() if "limits.max_parts" in line]
    assert all("sources conflict" in line for line in conflict)
    assert [line.split()[1] for line in conflict] == ["1,000", "10,000"]
    assert "somebody else <https://example.org/other>" in conflict[1]
    assert "2026-10-01" in conflict[1]
    (price,) = [line for line in text.splitlines() if "prices.egress " in line]
    assert re.search(r"0\.01 EUR/GB +stale: \d+ days old", price)
    assert "in north; scope: object storage" in text
    unknown = text.rpartition("Unknown: ")[2]
    assert "certifications.secnumcloud" in unknown
    assert "limits.max_parts" not in unknown


@pytest.mark.parametrize(
    ("name", "says"),
    [("scaleway", "Contract: scaleway"), ("hetzner", "Contract: ceph"), ("azure", "Contract: azure"), ("acme", "not known")],
)
def test_the_contract_that_stores_at_a_host_are_opened_by_is_named(
    capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    assert says in printed(capsys, "show", name).rpartition("Unknown: ")[2]


def test_a_profile_is_shown_as_json_with_everything_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(printed(capsys, "show", "acme", "--json"))
    assert [one["value"] for one in facts["fields"]["limits.max_parts"]] == [1_000, 10_000]
    assert facts["fields"]["certifications.hds"][0]["source"]["date"] == "2026-11-01"
    assert set(facts["fields"]) | set(facts["unknown"]) == set(FIELDS)


@pytest.mark.parametrize("name", ["scaleway", "outscale", "azure"])
def test_every_value_of_a_shipped_profile_is_printed(capsys: pytest.CaptureFixture[str], name: str) -> None:
    text = printed(capsys, "show", name)
    for path, said in json.loads(printed(capsys, "show", name, "--json"))["fields"].items():
        assert text.count(f"{path} ") >= len(said)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "acmee"], "there is no profile of a host 'acmee'; did you mean 'acme'?"),
        (["compare", "--requirements", "nowhere.toml"], "there is no file nowhere.toml"),
        (["compare", "--requirements", "requirements.toml", "acme@nort"], "did you mean 'north'?"),
        (["compare", "--requirements", "requirements.toml", "--probe", "requirements.toml"], "is no result of a probe"),
        (["compare", "--requirements", "requirements.toml", "--html", "no/such/folder.html"], "cannot be written"),
        (["compare", "--requirements", "requirements.toml", "--diff", "nowhere.toml"], "there is no file nowhere.toml"),
    ],
)
def test_wrong_usage_ends_with_status_two_and_says_what_was_meant(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(["hosts", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_misspelt_field_of_ones_own_profile_is_named_with_file_and_line(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "profiles" / "own.toml").write_text("[limits]\nmax_prats = { value = 1 }\n")
    assert run(["hosts", "list"]) == 2
    assert "own.toml:2: limits has no field 'max_prats'; did you mean 'max_parts'?" in capsys.readouterr().err


def test_piped_output_has_one_line_a_cell_with_evidence_and_date(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "compare", "--requirements", "requirements.toml", "acme@north", "scaleway")
    cell = next(line for line in text.splitlines() if re.match(r"\s*hds +must +acme@north ", line))
    assert re.search(r"met +2026-11-01 +held; object storage; north \(profile: documentation, 2026-11-01\)", cell)
    assert re.search(r"multipart +should +acme@north +unknown +not probed; the profile does not say", text)
    assert re.search(r"acme@north +2 +0 +0 +0 +0 +1 +4 of 9 +its profile only: not probed", text)


def test_french_is_french(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "--requirements", "requirements.toml", "acme", "--language", "fr"]
    text = printed(capsys, *arguments)
    assert re.search(r"hds +exigé +acme +inconnu +seulement dans d'autres régions \| détenu; object storage", text)
    assert "5 To (fiche: documentation" in text
    assert "Un critère inconnu n'est jamais compté comme satisfait" in text
    assert "unknown" not in text


def test_the_json_has_both_languages_evidence_and_totals(capsys: pytest.CaptureFixture[str]) -> None:
    facts = compared(capsys, "acme", "--probe", "probe.json")
    (host,), by_id = facts["hosts"], {one["id"]: one for one in facts["criteria"]}
    assert (by_id["hds"]["fr"], by_id["hds"]["en"], by_id["hds"]["weight"]) == ("fr hds", "en hds", 3)
    cell = by_id["multipart"]["cells"]["acme"]
    assert (cell["answer"], cell["basis"], cell["date"], cell["evidence"][0]["note"]) == (
        "met",
        "probe",
        "2026-11-20",
        "saw yes",
    )
    assert host["totals"]["must"] == {
        "all": {"criteria": 2, "weight": 4},
        "met": {"criteria": 1, "weight": 1},
        "not met": {"criteria": 0, "weight": 0},
        "unknown": {"criteria": 1, "weight": 3},
    }
    assert host["musts_lacking"] == {"not met": [], "unknown": ["hds"]}
    assert [taken["endpoint"] for taken in host["probes"]] == ["https://acme.example"]
    assert "changes" not in facts


def test_a_row_says_whether_it_was_probed(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "compare", "--requirements", "requirements.toml", "--probe", "probe.json")
    assert re.search(r"acme .*probe of 2026-11-20, and its profile", text)
    assert re.search(r"scaleway .*its profile only: not probed", text)


def test_require_ends_with_status_three_and_names_what_is_lacking(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "--requirements", "requirements.toml", "--require", "acme"]
    assert "size" in printed(capsys, *arguments, status=3)
    assert run(["hosts", *arguments]) == 3
    assert "unknown is not met: acme (unknown: hds)" in capsys.readouterr().err
    assert run(["hosts", *arguments[:-1], "acme@north"]) == 0


def test_require_names_what_is_not_met(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "harder.toml").write_text(
        HEAD + criterion("more", '{ field = "limits.max_object_size", at_least = 10_000_000_000_000 }')
    )
    assert run(["hosts", "compare", "--requirements", "harder.toml", "--require", "acme"]) == 3
    assert "acme (not met: more)" in capsys.readouterr().err


def test_a_difference_is_shown_with_dates(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    old = [
        CRITERIA[0].replace('"must"', '"should"').replace("2026-11-22", "2026-01-01"),
        criterion("gone", '{ human = "audit" }'),
    ]
    (folder / "old.toml").write_text(HEAD + "".join(old))
    text = printed(capsys, "compare", "--requirements", "requirements.toml", "acme", "--diff", "old.toml")
    assert re.search(r"moved to must +size +must +2026-01-01 +2026-11-22", text)
    assert re.search(r"appeared +hds +must +2026-11-22", text)
    assert re.search(r"vanished +gone +must +2026-11-22", text)
    kinds = {one["id"]: one["kind"] for one in compared(capsys, "acme", "--diff", "old.toml")["changes"]}
    assert kinds == {"size": "moved to must", "hds": "appeared", "multipart": "appeared", "gone": "vanished"}
    same = printed(capsys, "compare", "--requirements", "requirements.toml", "acme", "--diff", "requirements.toml")
    assert "Nothing changed." in same


@pytest.mark.parametrize(("hosts", "evidence"), [(1, True), (3, True), (4, False)])
def test_on_a_terminal_evidence_stands_in_the_matrix_where_it_fits(hosts: int, *, evidence: bool) -> None:
    document = requirements(*CRITERIA)
    candidates = [Candidate(f"acme{number}", profile(FACTS), "north") for number in range(hosts)]
    out = Console(file=io.StringIO(), force_terminal=True, width=160, soft_wrap=True, color_system=None)
    print_matrix(compare(document, candidates, TODAY), "en", out)
    text = out.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    assert ("held; object storage" in text) == evidence
    assert "✓ met   ✗ not met   ? unknown" in text
    assert all(criterion in text for criterion in ("size", "hds", "multipart"))
    assert max(len(line) for line in text.splitlines()) <= 160


def test_what_a_probe_says_cannot_command_a_terminal(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    taken = probe({"multipart": "yes"})
    hostile = msgspec.structs.replace(taken.checks["multipart"], evidence="one\ntwo\x1b[2Jthree")
    (folder / "hostile.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(taken, checks={"multipart": hostile})))
    text = printed(capsys, "compare", "--requirements", "requirements.toml", "acme", "--probe", "hostile.json")
    assert "\x1b" not in text
    assert "one two\N{REPLACEMENT CHARACTER}[2Jthree" in text


def test_every_word_that_a_comparison_may_need_is_there_in_both_languages() -> None:
    literals = (Verdict, Basis, Remark, Kind, EvidenceKind, Level, Confidence, Held)
    needed = {key for literal in literals for key in get_args(literal)} | (set(OPERATORS) - {"held"})
    needed |= {field.unit for field in FIELDS.values()} - {""}
    assert {key for key in needed if not knows(key)} == set()
    assert all(word(key, language) for key in needed for language in LANGUAGES)


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (5_242_880, "5 MiB", "5 Mio"),
        (5_000_000_000_000, "5 TB", "5 To"),
        (1_024, "1 KiB", "1 Kio"),
        (1_000, "1 kB", "1 ko"),
        (1_023, "1,023 bytes", "1\N{NARROW NO-BREAK SPACE}023 octets"),
        (0, "0 bytes", "0 octets"),
    ],
)
def test_sizes_are_exact_in_either_language(value: int, english: str, french: str) -> None:
    assert (size(value, "en"), size(value, "fr")) == (english, french)


def test_prices_keep_their_unit_and_the_french_comma() -> None:
    assert (shown(0.0146, "EUR/GB/month", "en"), shown(0.0146, "EUR/GB/month", "fr")) == (
        "0.0146 EUR/GB/month",
        "0,0146 EUR/GB/month",
    )
