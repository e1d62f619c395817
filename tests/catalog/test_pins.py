"""Pins: nothing older or foreign is believed after something newer was seen, also by another process."""

import msgspec
import pytest

from portable.catalog.entry import Home
from portable.catalog.pins import Pins
from portable.errors import UntrustedSignature

SEALED = Home(url="s3://lake-eu", mode="sealed", keyring="k.json", volume="lake", volume_id="00" * 16)


def later(entry, **fields):
    return msgspec.structs.replace(entry, **({"generation": entry.generation + 1, "write_id": "later"} | fields))


def test_an_older_entry_is_refused_by_this_process_and_the_next(tmp_path, first):
    pins = Pins(tmp_path)
    pins.check(later(first))
    for each in (pins, Pins(tmp_path)):
        with pytest.raises(UntrustedSignature, match="an old entry was put back"):
            each.check(first)


def test_two_entries_of_one_generation_are_refused(tmp_path, first):
    Pins(tmp_path).check(first)
    with pytest.raises(UntrustedSignature, match="claim generation"):
        Pins(tmp_path).check(msgspec.structs.replace(first, write_id="another"))


def test_an_encrypted_volume_does_not_become_clear_without_signed_consent(tmp_path, first):
    Pins(tmp_path).check(later(first, home=SEALED))
    clear = later(first, generation=3, write_id="clear")
    with pytest.raises(UntrustedSignature, match="has not consented"):
        Pins(tmp_path).check(clear)
    Pins(tmp_path).check(msgspec.structs.replace(clear, allow_clear=True))


def test_the_state_folder_is_private(tmp_path, first):
    folder = tmp_path / "state"
    Pins(folder).check(first)
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "pins.json").stat().st_mode & 0o077 == 0


def test_an_older_keyring_is_refused_after_a_newer_one_was_seen(tmp_path):
    Pins(tmp_path).check_keyring("aa", 3)
    Pins(tmp_path).check_keyring("aa", 3)
    with pytest.raises(UntrustedSignature, match="an old copy was put back"):
        Pins(tmp_path).check_keyring("aa", 2)
