"""`portable catalog`: entries are added, changed and shown; nothing unsigned, moving or unconfirmed is changed."""

import json
from pathlib import Path

import msgspec
import pytest

from portable.catalog.entry import Home, sign_entry
from portable.catalog.transitions import successor
from portable.errors import UntrustedSignature
from portable.keys.authority import Authority
from portable.opening import open_volume
from tests.cli.lake import Lake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lake:
    return Lake(tmp_path, monkeypatch, capsys)


def test_a_volume_is_added_shown_and_opened(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.run("catalog", "init", "another.json")
    lake.run("catalog", "add", "another.json", "lake", f"file://{lake.store}", "--keyring", "keyring.json")
    (shown,) = json.loads(lake.run("catalog", "show", "another.json", "--json")[0])
    assert shown["home"] == msgspec.to_builtins(lake.sealed())
    assert (shown["signed"], shown["phase"], shown["generation"]) == (True, "active", 1)
    monkeypatch.setenv("PORTABLE_CATALOG", "another.json")
    volume = open_volume("portable://lake")
    volume.write("key", b"data")
    assert volume.read("key") == b"data"
    volume.close()


def test_an_address_that_is_no_stores_is_refused_before_a_passphrase_is_needed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PORTABLE_AUTHORITY_PASSPHRASE")
    lake.put(lake.sealed())
    for address in ("lake", "s3://access:secret@bucket", "az://lake?sig=secret"):
        for words in (["add", "catalog.json", "pond", address], ["set", "catalog.json", "lake", "--url", address]):
            _, problem = lake.run("catalog", *words, status=2)
            assert "secret" not in problem
    assert lake.catalog.names() == ["lake"]


def test_what_is_named_changes_and_the_rest_stays(lake: Lake) -> None:
    before = lake.put(Home(url="s3://lake", mode="clear", region="fr-par", provider="scaleway", credentials="env:OLD_"))
    printed, _ = lake.run("catalog", "set", "catalog.json", "lake", "--credentials", "profile:new", "--lease", "5")
    after = lake.entry()
    assert after.home == msgspec.structs.replace(before.home, credentials="profile:new")
    assert (after.lease, after.outstanding, after.generation, after.previous) == (5.0, 30.0, 2, before.write_id)
    assert "generation 2" in printed
    assert "30 s" in printed
    lake.run("catalog", "set", "catalog.json", "lake", "--storage-class", "cool")
    assert lake.entry().home.storage_class == "cool"
    lake.run("catalog", "set", "catalog.json", "lake", "--provider", "", "--credentials", "", "--storage-class", "")
    assert lake.entry().home == Home(url="s3://lake", mode="clear", region="fr-par")


def test_a_change_that_changes_nothing_is_wrong_usage(lake: Lake) -> None:
    lake.put(lake.sealed())
    for words in ([], ["--lease", "30"], ["--keyring", "keyring.json"]):
        assert "nothing to change" in lake.run("catalog", "set", "catalog.json", "lake", *words, status=2)[1]


@pytest.mark.parametrize("phases", [["announced"], ["announced", "frozen"], ["announced", "frozen", "flipped"]])
def test_nothing_is_changed_while_a_migration_moves_the_volume(lake: Lake, phases: list[str]) -> None:
    entry = lake.put(lake.sealed())
    for phase in phases:
        moved = successor(entry, phase, lease=1, other=Home(url="s3://lake-eu", mode="clear"))
        lake.catalog.compare_and_swap("lake", entry.write_id, sign_entry(moved, lake.authority), lake.authority.fingerprint)
        entry = moved
    _, problem = lake.run("catalog", "set", "catalog.json", "lake", "--lease", "5", status=3)
    assert phases[-1] in problem
    assert lake.entry() == entry


def test_of_two_changes_to_one_entry_the_second_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put(lake.sealed())
    load = Authority.load

    def while_another_changes(*arguments: object) -> Authority:
        monkeypatch.setattr(Authority, "load", load)
        lake.run("catalog", "set", "catalog.json", "lake", "--lease", "7")
        return lake.authority

    monkeypatch.setattr(Authority, "load", while_another_changes)
    _, problem = lake.run("catalog", "set", "catalog.json", "lake", "--lease", "9", status=1)
    assert "changed by someone else" in problem
    assert lake.entry().lease == 7.0


def test_another_store_is_confirmed_by_the_volumes_name(lake: Lake) -> None:
    lake.put(lake.sealed())
    words = ("catalog", "set", "catalog.json", "lake", "--url", f"file://{lake.folder}")
    _, warned = lake.run(*words, status=3, typed="yes\n")
    assert "no object is moved" in warned
    assert lake.entry().generation == 1
    lake.run(*words, typed="lake\n")
    assert lake.entry().home.url == f"file://{lake.folder}"


def test_an_encrypted_volume_becomes_clear_by_typed_and_signed_consent_alone(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put(lake.sealed())
    monkeypatch.setenv("PORTABLE_CATALOG", "catalog.json")
    open_volume("portable://lake").close()
    words = ("catalog", "set", "catalog.json", "lake", "--clear")
    for typed in ("", "lake\n", "yes\n"):
        _, warned = lake.run(*words, status=3, typed=typed)
        assert "PLAINTEXT" in warned
    assert lake.entry().home.mode == "sealed"
    lake.run(*words, typed="clear lake\n")
    after = lake.entry()
    assert (after.home, after.allow_clear) == (Home(url=f"file://{lake.store}", mode="clear"), True)
    open_volume("portable://lake").close()


def test_a_clear_home_without_consent_is_believed_by_nobody_who_saw_it_sealed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = lake.put(lake.sealed())
    monkeypatch.setenv("PORTABLE_CATALOG", "catalog.json")
    open_volume("portable://lake").close()
    clear = msgspec.structs.replace(
        sealed, generation=2, write_id="w2", previous=sealed.write_id, home=Home(url=sealed.home.url, mode="clear")
    )
    lake.catalog.compare_and_swap("lake", sealed.write_id, sign_entry(clear, lake.authority), lake.authority.fingerprint)
    with pytest.raises(UntrustedSignature, match="has not consented"):
        open_volume("portable://lake")


def test_a_store_in_clear_becomes_encrypted_with_the_keys_of_the_keyring(lake: Lake) -> None:
    lake.put(Home(url=f"file://{lake.store}", mode="clear"))
    _, warned = lake.run("catalog", "set", "catalog.json", "lake", "--keyring", "keyring.json", typed="lake\n")
    assert "cannot be read any more" in warned
    assert lake.entry().home == lake.sealed()
    assert not lake.entry().allow_clear


def test_a_keyring_that_moved_is_followed_and_another_volumes_keys_are_refused(lake: Lake) -> None:
    lake.put(lake.sealed())
    lake.keyring.rename(lake.folder / "moved.json")
    words = ("catalog", "set", "catalog.json", "lake", "--keyring", "moved.json", "--authority", "authority.json")
    _, problem = lake.run(*words, "--volume", "pond", status=3)
    assert "is another one" in problem
    lake.run(*words)
    assert lake.entry().home == lake.sealed(keyring="moved.json")


def test_a_volume_of_no_keyring_is_wrong_usage(lake: Lake) -> None:
    lake.put(Home(url="s3://lake", mode="clear"))
    lake.run("catalog", "set", "catalog.json", "lake", "--volume", "lake", status=2)
    lake.run("catalog", "set", "catalog.json", "lake", "--clear", "--volume", "lake", status=2)
    lake.run("catalog", "set", "catalog.json", "lake", "--url", "", status=2)


def test_the_authority_that_signed_an_entry_alone_changes_it(lake: Lake) -> None:
    lake.put(lake.sealed())
    lake.run("catalog", "set", "catalog.json", "pond", "--lease", "5", status=1)
    lake.put(lake.sealed(), name="foreign", signer=Authority.generate())
    assert "signed by" in lake.run("catalog", "set", "catalog.json", "foreign", "--lease", "5", status=1)[1]


def test_an_entry_whose_signature_does_not_hold_is_shown_as_such_beside_the_others(lake: Lake) -> None:
    lake.put(lake.sealed())
    lake.put(lake.sealed(), name="forged", signer=Authority.generate())
    pin = ("--pin", lake.authority.fingerprint)
    printed, problem = lake.run("catalog", "show", "catalog.json", "--json", *pin, status=1)
    forged, sound = json.loads(printed)
    assert (forged["name"], forged["signed"]) == ("forged", False)
    assert sound["signed"]
    assert "pinned authority" in problem
    table, _ = lake.run("catalog", "show", "catalog.json", *pin, status=1)
    assert "NOT TRUSTED" in table
    assert "holds" in table
    lake.run("catalog", "show", "catalog.json", "lake", *pin)


def test_credentials_that_somebody_wrote_into_an_entry_are_not_shown(lake: Lake) -> None:
    lake.put(Home(url="s3://access:secret@bucket", mode="clear"))
    lake.put(Home(url="s3://bucket", mode="clear", endpoint="https://access:secret@host"), name="pond")
    for words in ([], ["--json"]):
        printed, problem = lake.run("catalog", "show", "catalog.json", *words)
        assert "secret" not in printed + problem
