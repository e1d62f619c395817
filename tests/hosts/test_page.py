"""The page: whole, safe, self-contained, and the same facts as everywhere else."""

import functools
from html.parser import HTMLParser

import pytest

from portable.cli.hosts.page import matrix_page
from portable.cli.hosts.words import Language
from portable.hosts.candidates import choose
from portable.hosts.comparing import compare
from portable.hosts.difference import differences
from portable.hosts.library import load_profiles
from portable.hosts.requirements import Requirements
from tests.hosts.making import TODAY, criterion, probe, profile, requirements
from tests.hosts.test_requirements import EXAMPLE

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would find: balanced tags, anchors, links, and everything that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes.update({f"{tag}.{name}": value for name, value in attrs})
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        self.loaded += [str(found[name]) for name in ("src", "srcset", "data", "action") if name in found]
        if tag == "link":
            self.loaded.append(str(found["href"]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module", params=["en", "fr"])
def language(request: pytest.FixtureRequest) -> Language:
    return "fr" if request.param == "fr" else "en"


@functools.cache
def example(language: Language) -> Page:
    document = Requirements.load(EXAMPLE)
    taken = probe({"conditional-create": "no"}, provider="scaleway")
    return Page(matrix_page(compare(document, choose((), load_profiles(), [taken]), TODAY), None, language))


def test_the_page_loads_nothing_and_runs_nothing(language: Language) -> None:
    page = example(language)
    assert set(page.loaded) <= {"data:,"}
    assert "script" not in page.tags
    assert [name for name in page.attributes if name.split(".")[1].startswith("on")] == []
    assert page.attributes["html.lang"] == language


def test_links_lead_into_the_page_or_to_the_sources(language: Language) -> None:
    page = example(language)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} == set(page.ids)
    assert all(link.startswith(("#", "https://")) for link in page.links)


def test_every_criterion_and_every_host_is_on_the_page(language: Language) -> None:
    page, document = example(language), Requirements.load(EXAMPLE)
    assert [one.id for one in document.criteria if getattr(one, language) not in page.text] == []
    assert [name for name in load_profiles() if name not in page.text] == []


def test_the_page_says_what_was_probed_and_where_probe_and_profile_disagree() -> None:
    page = example("en")
    assert "probe of 2026-11-20, and its profile" in page.text
    assert "its profile only: not probed" in page.text
    assert "probe and profile disagree" in page.text
    assert "Unknown is never counted as met." in page.text


def test_what_somebody_wrote_stays_text() -> None:
    hostile = "<script>alert(1)</script>"
    facts = f'[limits]\nmax_parts = {{ value = 1, source = "docs", note = "{hostile}" }}'
    document = requirements(criterion("it", '{ field = "limits.max_parts", at_least = 1 }').replace("en it", hostile))
    text = matrix_page(compare(document, choose(["acme"], {"acme": profile(facts)}, ()), TODAY), None, "en")
    assert "<script" not in text
    assert Page(text).text.count(hostile) >= 2


def test_a_source_is_linked_only_where_its_address_is_of_the_web() -> None:
    facts = '[sources.trap]\ntext = "x"\ndate = 2026-11-01\nconfidence = "primary"\nurl = "javascript:alert(1)"\n'
    facts += '[limits]\nmax_parts = { value = 1, source = "trap" }'
    document = requirements(criterion("it", '{ field = "limits.max_parts", at_least = 1 }'))
    text = matrix_page(compare(document, choose(["acme"], {"acme": profile(facts)}, ()), TODAY), None, "en")
    assert "javascript" not in text


def test_changes_are_shown_where_they_were_asked_for() -> None:
    old, new = (requirements(criterion(id_, '{ human = "audit" }')) for id_ in ("before", "after"))
    matrix = compare(new, choose(["acme"], {"acme": profile("")}, ()), TODAY)
    page = Page(matrix_page(matrix, differences(old, new), "fr"))
    assert "Ce qui a changé depuis la version précédente" in page.text
    assert "disparu" in page.text
    assert "Rien n'a changé." in Page(matrix_page(matrix, (), "fr")).text
