"""Tracebacks rendered with local variables, as error reporters do.

Not promised: that the frames which work with a key do not hold it; Python keeps their variables. Promised: those frames are in
`portable.format` and `portable.keys` alone, so that a reporter that leaves their variables out shows no key; and without
variables a traceback shows none at all.
"""

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

from portable import open_volume
from portable.cli.identity import AskedIdentity
from portable.errors import IntegrityError, PortableError, UnlockFailed
from portable.keys.authority import Authority
from portable.keys.passphrase import PassphraseIdentity
from portable.volume import Volume
from tests.attacks.host import MaliciousHost
from tests.attacks.ledger import record
from tests.hygiene.conftest import PASSPHRASE, Custody
from tests.hygiene.planted import Planted

WRONG = "planted passphrase that is wrong"
WORKERS = ("portable.format.", "portable.keys.")


def variables(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Yield module and rendered variables of each frame that is not a test's."""
    for frame, _ in traceback.walk_tb(trace):
        module = str(frame.f_globals["__name__"])
        if not module.startswith(("tests.", "test_", "contextlib")):
            for value in list(frame.f_locals.values()):
                yield module, repr(value)


def provoked(custody: Custody, tmp_path: Path) -> Iterator[PortableError]:
    """Yield errors from deep inside, where keys are at hand."""
    host, keys = MaliciousHost(), custody.unlocked.volume("lake")
    volume = Volume(host, keys)
    for at in (380, 440, 460, 510, 545, 600, -1):
        volume.write("k", bytes(1 << 20))
        altered = bytearray(host.kept("k"))
        altered[at] ^= 1
        host.keep("k", bytes(altered))
        with pytest.raises(PortableError) as caught:
            volume.read("k")
        yield caught.value
    for identity in (PassphraseIdentity(WRONG), AskedIdentity()):
        with pytest.raises(UnlockFailed) as refused:
            open_volume(f"memory://{tmp_path.name}", keyring=custody.path, volume="lake", identity=identity)
        yield refused.value
    with pytest.raises(UnlockFailed) as refused:
        Authority.load(custody.path.with_name("authority.json"), PassphraseIdentity(WRONG))
    yield refused.value


def test_only_the_frames_that_work_with_keys_hold_them_and_a_plain_traceback_shows_none(
    custody: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTABLE_PASSPHRASE", WRONG)
    ledger, planted = record(monkeypatch), Planted(dict(custody.planted.secrets))
    planted.plant("wrong passphrase", WRONG)
    errors = list(provoked(custody, tmp_path))
    assert {type(error) for error in errors} >= {IntegrityError, UnlockFailed}
    for number, key in enumerate({use.key for use in ledger.uses}):
        planted.plant(f"key {number}", key)

    plain = "".join("".join(traceback.format_exception(error)) for error in errors)
    assert planted.found_in(plain) == set()
    shown: dict[str, list[str]] = {}
    for error in errors:
        for module, text in variables(error.__traceback__):
            shown.setdefault(module, []).append(text)
    holding = {module for module, texts in shown.items() if planted.found_in("\n".join(texts))}
    assert {module for module in holding if not module.startswith(WORKERS)} == set()
    assert {"portable.volume.volume", "portable.volume.reading", "portable.sealed", "portable.opening"} <= set(shown)
    assert PASSPHRASE not in plain
