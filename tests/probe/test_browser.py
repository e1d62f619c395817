"""The pages in a browser: nothing is fetched, nothing complains, and what matters is to be seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from portable.cli.hosts.page import matrix_page
from portable.cli.probe.page import probe_page
from portable.hosts.candidates import choose
from portable.hosts.comparing import compare
from portable.hosts.library import load_profiles
from portable.hosts.requirements import Requirements
from tests.hosts.making import TODAY
from tests.hosts.test_requirements import EXAMPLE
from tests.probe.conftest import Ask

pytestmark = pytest.mark.hosts
CHROMIUM = Path("/usr/bin/chromium")
"""Where Debian's package puts it."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=["--no-sandbox"])
        yield running
        running.close()


class Seen:
    """A page as a browser shows it: what it asked for, and what was said on its console."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page, self.file = page, file
        self.requests: list[str] = []
        self.said: list[str] = []
        page.on("request", self._requested)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")

    def _requested(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.requests.append(request.url)

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def check(seen: Seen) -> None:
    assert seen.requests == [seen.file.as_uri()]
    assert seen.said == []
    assert not seen.is_wider_than_its_window()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_matrix_of_hosts(language: str, width: int, browser: Browser, outcome_of: Ask, tmp_path: Path) -> None:
    file = tmp_path / "hosts.html"
    candidates = choose((), load_profiles(), [outcome_of("rclone").result])
    written = "fr" if language == "fr" else "en"
    file.write_text(matrix_page(compare(Requirements.load(EXAMPLE), candidates, TODAY), None, written))
    page = browser.new_page(viewport={"width": width, "height": 900})
    check(Seen(page, file))
    assert page.locator("h1").is_visible()
    page.locator(".overview a").first.click()
    assert page.url.startswith(f"{file.as_uri()}#")
    page.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_probe(scheme: str, width: int, browser: Browser, outcome_of: Ask, tmp_path: Path) -> None:
    file = tmp_path / "probe.html"
    file.write_text(
        probe_page(outcome_of("rclone"), {"conditional-create": "the profile says yes (documentation, 2026-11-22)"})
    )
    dark = scheme == "dark"
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    check(Seen(page, file))
    rows = page.locator("table.checks tbody tr")
    assert rows.count() == len(outcome_of("rclone").result.checks)
    assert page.locator("#conditional-create").is_visible()
    assert page.get_by_text("But the profile says yes").is_visible()
    page.close()
