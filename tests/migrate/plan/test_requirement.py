"""Copy, verify and cutover ask for a plan first."""

import pytest

from migrate.declaration import Declaration
from migrate.journal import Journal
from migrate.plan import make_plan, require_plan
from portable.errors import NotFound, RefusedError
from tests.migrate.plan.places import Site, entry

ARCHIVED = entry("a", 1, blob_type="BlockBlob", tier="Archive")


def refusal(site: Site) -> str:
    with site.migration(entry("a")) as migration, pytest.raises(RefusedError) as raised:
        require_plan(migration)
    assert raised.value.exit_status == 3
    return str(raised.value)


def test_without_a_journal_the_command_that_makes_one_is_named(site: Site) -> None:
    assert "portable migrate plan" in refusal(site)
    assert not (site.folder / "lake-exit.journal").exists()


def test_a_journal_without_a_plan_is_refused(site: Site) -> None:
    Journal.open(Declaration.load(site.declare()).journal, create=True).close()
    assert f"portable migrate plan {site.file}" in refusal(site)


def test_a_plan_lets_the_migration_go_on(site: Site) -> None:
    with site.migration(entry("a")) as migration:
        make_plan(migration)
        require_plan(migration)
    with site.migration(entry("a")) as migration:
        require_plan(migration)


def test_a_migration_file_that_changed_since_the_plan_is_refused(site: Site) -> None:
    with site.migration(entry("a")) as migration:
        make_plan(migration)
    site.file.write_text(site.file.read_text() + "# a comment changes nothing\n")
    with site.migration(entry("a")) as migration:
        require_plan(migration)
    site.file.write_text(site.file.read_text().replace('mode = "never"', 'mode = "sealed"'))
    assert "changed since the plan" in refusal(site)


def test_undecided_blocking_findings_are_refused_by_name_until_they_are_accepted(site: Site) -> None:
    with site.migration(ARCHIVED) as migration:
        make_plan(migration)
    message = refusal(site)
    assert 'accept = ["archived"]' in message
    site.declare('[plan]\naccept = ["archived"]')
    assert "changed since the plan" in refusal(site)
    with site.migration(ARCHIVED) as migration:
        make_plan(migration)
        require_plan(migration)


def test_a_finding_that_was_mended_blocks_no_longer(site: Site) -> None:
    with site.migration(ARCHIVED) as migration:
        make_plan(migration)
    with site.migration(entry("a", 1, blob_type="BlockBlob", tier="Hot")) as migration:
        make_plan(migration)
        require_plan(migration)


def test_a_plan_that_was_interrupted_does_not_count(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.migration(entry("a")) as migration:
        make_plan(migration)
    with site.migration(entry("a")) as migration:

        def interrupted() -> None:
            raise NotFound("the container does not exist")

        monkeypatch.setattr(migration.source.backend, "inventory", interrupted)
        with pytest.raises(NotFound):
            make_plan(migration)
    assert "there is no plan" in refusal(site)


def test_a_journal_that_another_process_owns_is_refused(site: Site) -> None:
    with site.migration(entry("a")) as migration:
        make_plan(migration)
        with site.migration(entry("a")) as second, pytest.raises(RefusedError, match="another process"):
            make_plan(second)
