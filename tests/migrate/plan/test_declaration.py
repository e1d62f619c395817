from datetime import date
from pathlib import Path

import pytest

from migrate.declaration import Declaration
from portable.errors import ConfigurationError
from tests.migrate.plan.places import Site

COMPLETE = """
name = "lake-exit"
deadline = 2026-12-31

[source]
url = "az://lake"
account = "hdhlake"
credentials = "env:SOURCE_"

[target]
url = "s3://lake-eu"
provider = "scaleway"
region = "fr-par"
credentials = "profile:scw"

[target.encryption]
keyring = "keys/keyring.json"
volume = "lake"

[catalog]
url = "catalog.json"
name = "lake"

[rollback]
mode = "never"
"""


def load(tmp_path: Path, text: str) -> Declaration:
    file = tmp_path / "lake-exit.toml"
    file.write_text(text)
    return Declaration.load(file)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, text)
    message = str(raised.value)
    assert str(tmp_path / "lake-exit.toml") in message
    return message


def test_a_migration_file_becomes_a_declaration(tmp_path: Path) -> None:
    found = load(tmp_path, COMPLETE)
    assert found.deadline == date(2026, 12, 31)
    assert found.source.location.account == "hdhlake"
    assert (found.target.provider, found.rollback.mode, found.copy.workers) == ("scaleway", "never", 8)
    assert (found.cutover.lease, found.cutover.frozen_lease, found.cutover.max_frozen) == (30.0, 1.5, 120.0)


def test_the_target_may_name_a_storage_class_that_can_be_read_back(tmp_path: Path) -> None:
    cool = COMPLETE.replace('region = "fr-par"', 'region = "fr-par"\nstorage_class = "cool"')
    found = load(tmp_path, cool)
    assert (found.target.location.storage_class, found.source.location.storage_class) == ("cool", None)
    assert "storage_class: what is written into an archive" in refusal(tmp_path, cool.replace("cool", "DEEP_ARCHIVE"))


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    found = load(tmp_path, COMPLETE)
    assert found.journal == tmp_path / "lake-exit.journal"
    assert found.keyring == tmp_path / "keys" / "keyring.json"
    assert found.authority_key == tmp_path / "keys" / "authority.json"
    assert found.catalog_path == tmp_path / "catalog.json"
    named = load(tmp_path, COMPLETE.replace('name = "lake"\n', 'name = "lake"\nauthority_key = "/safe/authority.json"\n'))
    assert named.authority_key == Path("/safe/authority.json")


@pytest.mark.parametrize(
    ("old", "new", "place", "meant"),
    [
        ('region = "fr-par"', 'regoin = "fr-par"', "[target]", "'region'"),
        ('url = "az://lake"', 'ulr = "az://lake"', "[source]", "'url'"),
        ("[rollback]", "[roll_back]", "the file", "'rollback'"),
        ('keyring = "keys', 'keyrng = "keys', "[target.encryption]", "'keyring'"),
        ("deadline =", "file =", "the file", "it may have: name"),
    ],
)
def test_a_misspelt_field_is_named_with_what_was_meant(tmp_path: Path, old: str, new: str, place: str, meant: str) -> None:
    message = refusal(tmp_path, COMPLETE.replace(old, new))
    assert place in message
    assert meant in message


def test_rollback_has_no_default(tmp_path: Path) -> None:
    for text in (COMPLETE.replace('mode = "never"', ""), COMPLETE.replace('[rollback]\nmode = "never"', "")):
        message = refusal(tmp_path, text)
        assert all(word in message for word in ("rollback", "never", "sealed", "clear", "no default"))
    assert "maybe" in refusal(tmp_path, COMPLETE.replace('"never"', '"maybe"'))


def test_a_target_in_clear_is_refused(tmp_path: Path) -> None:
    without = COMPLETE.replace('[target.encryption]\nkeyring = "keys/keyring.json"\nvolume = "lake"\n', "")
    assert "a target in clear is not supported" in refusal(tmp_path, without)
    assert "a target in clear is not supported" in refusal(tmp_path, COMPLETE.replace('volume = "lake"', ""))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("az://lake", "az://lake?sv=2026&sig=SECRET"),
        ("az://lake", "az://AKIA:SECRET@lake"),
        ("env:SOURCE_", "SECRET"),
        ('provider = "scaleway"', 'endpoint = "https://AKIA:SECRET@host"'),
    ],
)
def test_a_secret_is_refused_and_not_repeated(tmp_path: Path, old: str, new: str) -> None:
    assert "SECRET" not in refusal(tmp_path, COMPLETE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('url = "s3://lake-eu"', 'url = "ftp://lake-eu"', "[target]"),
        ('url = "catalog.json"', 'url = "s3://bucket/catalog.json"', "[catalog]"),
        ("[rollback]", "[copy]\nworkers = 0\n[rollback]", "copy.workers"),
        ("[rollback]", "[cutover]\nlease = -1.0\n[rollback]", "cutover.lease"),
        ("[rollback]", "[cutover]\nlease = 1.0\n[rollback]", "frozen_lease"),
        ("[rollback]", "[cutover]\nmax_frozen = 1.0\n[rollback]", "max_frozen"),
        ("[rollback]", '[plan]\naccept = ["archivd"]\n[rollback]', "'archived'"),
        ("[rollback]", '[plan]\naccept = ["snapshots"]\n[rollback]', "no finding 'snapshots' that can be accepted"),
        ("2026-12-31", '"soon"', "deadline"),
        ("name = ", "name : ", "not valid TOML"),
        ("[source]", 'source = "az://lake"\n[sources]', "sources"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in refusal(tmp_path, COMPLETE.replace(old, new, 1))


@pytest.mark.parametrize("target", ["az://lake", "az://lake/below"])
def test_a_volume_is_not_moved_into_itself(tmp_path: Path, target: str) -> None:
    text = COMPLETE.replace("s3://lake-eu", target).replace('provider = "scaleway"', 'account = "hdhlake"')
    assert "one lies within the other" in refusal(tmp_path, text)


def test_the_digest_is_of_what_the_file_says_alone(tmp_path: Path) -> None:
    digest = load(tmp_path, COMPLETE).digest
    top, _, rest = COMPLETE.partition("[source]")
    rearranged = f"{top}# a comment\n[rollback]\nmode = 'never'\n[source]{rest}".replace('[rollback]\nmode = "never"', "")
    assert load(tmp_path, rearranged).digest == digest
    assert load(tmp_path, COMPLETE.replace("fr-par", "nl-ams")).digest != digest
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert load(elsewhere, COMPLETE).digest == digest


def test_a_file_that_is_not_there_is_named(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        Declaration.load(site.folder / "none.toml")
