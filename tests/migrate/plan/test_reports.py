"""What a plan looks like: JSON, page, terminal."""

import io
import json
from html.parser import HTMLParser

import msgspec
import pytest
from rich.console import Console

from migrate.plan import Plan, make_plan
from migrate.report.document import plan_document
from migrate.report.keys import plain, pseudonyms
from migrate.report.page import plan_page
from migrate.report.terminal import print_plan
from portable.backends.protocol import Stat
from tests.migrate.plan.places import Site, entry

SECRET_KEY = "patients/Marie-Curie.csv"
HOSTILE = "<script>alert(1)</script>&\"'"
ENTRIES = [
    entry(SECRET_KEY, 123_456, blob_type="BlockBlob", tier="Archive"),
    entry(HOSTILE, 0),
    entry("a", 9, snapshot="1"),
]
FIELDS = {
    "schema",
    "kind",
    "name",
    "made",
    "declaration",
    "deadline",
    "days_left",
    "source",
    "target",
    "provider",
    "volume",
    "rollback",
    "keyring_unlocked",
    "entries",
    "moved",
    "totals",
    "blocking",
    "accepted",
    "findings",
    "steps",
    "traffic",
    "sizes",
    "largest",
    "unseen",
}
"""Programs read these. A field that goes away, or changes its meaning, makes a new `schema`."""


@pytest.fixture
def plan(site: Site) -> Plan:
    with site.migration(*ENTRIES) as migration:
        return make_plan(migration)


class Page(HTMLParser):
    """What of a page could reach outside of it, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_json_has_stable_fields_and_says_its_schema(plan: Plan) -> None:
    document = json.loads(msgspec.json.encode(plan_document(plan, plain)))
    assert document.keys() == FIELDS
    assert (document["schema"], document["kind"]) == (1, "plan")
    assert document["blocking"] == ["archived"]
    assert document["totals"]["inventory"] == {"objects": 3, "bytes": 123_465}
    states = document["totals"]["states"].values()
    assert sum(state["objects"] for state in states) == 3
    assert document["sizes"] == [
        {"class": "empty", "smallest": 0, "largest": 0, "objects": 1, "bytes": 0},
        {"class": "100 kB to under 1 MB", "smallest": 100_000, "largest": 999_999, "objects": 1, "bytes": 123_456},
    ]
    assert {finding["id"]: finding["decision"] for finding in document["findings"]}["archived"] == "undecided"


def test_what_is_handed_on_shows_pseudonyms(site: Site, plan: Plan) -> None:
    with site.migration(*ENTRIES) as migration:
        naming = pseudonyms(migration.journal)
        again = pseudonyms(migration.journal)
    for shown in (plan_page(plan, naming), json.dumps(plan_document(plan, naming))):
        assert "Marie" not in shown
        assert naming(SECRET_KEY) in shown
    assert naming(SECRET_KEY) == again(SECRET_KEY) != naming("other")


def test_the_pseudonyms_of_two_migrations_differ(site: Site, plan: Plan) -> None:
    with site.migration(*ENTRIES) as migration:
        one = pseudonyms(migration.journal)
    (site.folder / "lake-exit.journal").unlink()
    with site.migration(*ENTRIES) as migration:
        make_plan(migration)
        assert pseudonyms(migration.journal)("key") != one("key")


def test_the_page_stands_alone_and_is_well_formed(plan: Plan) -> None:
    text = plan_page(plan, plain)
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not {"src", "href", "srcset", "action", "data", "style"} & {name for name, _ in page.attributes}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "http://" not in text
    assert "https://" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_page_shows_keys_as_text_and_never_as_markup(plan: Plan) -> None:
    page = Page(plan_page(plan, plain))
    assert HOSTILE[:20] in page.text
    assert SECRET_KEY in page.text


def test_the_page_says_the_same_as_the_json(plan: Plan) -> None:
    page, document = Page(plan_page(plan, plain)), plan_document(plan, plain)
    for finding in document["findings"]:
        assert all(finding[name].replace("`", "") in page.text for name in ("title", "meaning", "consequence"))
    assert all(line.replace("`", "") in page.text for line in [*document["steps"], *document["unseen"]])
    assert "Copying cannot start." in page.text


def shown(plan: Plan) -> str:
    out = io.StringIO()
    print_plan(plan, Console(file=out, width=100, highlight=False, markup=False, emoji=False))
    return out.getvalue()


def test_the_terminal_shows_findings_totals_and_what_comes_next(plan: Plan) -> None:
    text = " ".join(shown(plan).split())
    for words in ("blocking", "[archived] undecided", SECRET_KEY, "inventory", "What will happen", 'accept = ["archived"]'):
        assert words in text
    assert "\x1b" not in text


def test_a_key_cannot_steer_the_terminal(site: Site) -> None:
    hostile: list[Stat] = [entry("\x1b[2Jgone", 0), entry("right\u202eleft", 0)]
    with site.migration(*hostile) as migration:
        text = shown(make_plan(migration))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "gone" in text


def test_a_plan_of_nothing_is_reported_too(site: Site) -> None:
    with site.migration() as migration:
        plan = make_plan(migration)
    assert "Nothing keeps" in shown(plan)
    assert "Copying can start." in Page(plan_page(plan, plain)).text
