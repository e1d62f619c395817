from pathlib import Path

import pytest

from tests.docs.pages import CHECKOUT, DOCS, anchors, links, pages


def names() -> list[str]:
    return [page.relative_to(CHECKOUT).as_posix() for page in pages()]


@pytest.mark.parametrize("name", names())
def test_every_link_leads_to_a_file_of_the_project(name: str) -> None:
    page = CHECKOUT / name
    broken = []
    for link in links(page.read_text()):
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = target.is_relative_to(CHECKOUT) and target.exists()
        if not inside or (fragment and target.suffix == ".md" and fragment not in anchors(target.read_text())):
            broken.append(link)
    assert broken == []


def test_every_page_of_the_documentation_is_reached_from_its_map() -> None:
    reached: set[Path] = set()
    ahead = [DOCS / "README.md"]
    while ahead:
        page = ahead.pop()
        if page.suffix != ".md" or page in reached:
            continue
        reached.add(page)
        paths = (link.partition("#")[0] for link in links(page.read_text()))
        ahead += [target for path in paths if path and (target := (page.parent / path).resolve()).is_relative_to(DOCS)]
    assert set(DOCS.rglob("*.md")) - reached == set()


def test_the_reader_of_links_sees_links_and_not_examples() -> None:
    text = '[a](b.md) and `[c](d.md)`, [e](https://example.org) [f](g.md#h "title")\n\n```md\n[i](j.md)\n```\n![k](l.png)\n'
    assert list(links(text)) == ["b.md", "g.md#h", "l.png"]


def test_headings_become_the_anchors_that_github_gives_them() -> None:
    text = "# The `portable` CLI\n## Why, and how?\n## Why, and how?\n```sh\n# not a heading\n```\n### A [link](x.md) in it\n"
    assert anchors(text) == {"the-portable-cli", "why-and-how", "why-and-how-1", "a-link-in-it"}
