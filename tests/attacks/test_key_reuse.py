"""No key and IV are used twice, and no header is made twice, whatever fails, is repeated, resumed or moved.

Every use of AES-GCM is recorded while whole volumes are written, with hosts that lose answers and inputs that change. The
attack that a second header would allow is played in tests/format/test_uniqueness.py; here, that no call makes one.
"""

import inspect
import itertools
import threading
import time
from collections import defaultdict
from pathlib import Path

import fsspec
import pytest

from migrate import trouble
from migrate.copy import copy_objects
from migrate.verify import verify_objects
from portable.backends.protocol import ABSENT, Attributes
from portable.errors import AlreadyExists, Unavailable
from portable.filesystem import PortableFileSystem
from portable.format.header import parse
from portable.format.message import Encryptor
from portable.leased import LeasedVolume
from portable.sealed import Metadata
from portable.volume import Volume
from portable.volume.writable import WritableObject
from tests.attacks.host import FRAME, KEY, PLAINTEXT, MaliciousHost, Place
from tests.attacks.ledger import Ledger, record
from tests.attacks.moving import LEASE, Moving
from tests.migrate.copy.places import Exchange, Verb

LARGE = Attributes(metadata={"note": "é" * 400})
PART = 8 << 20


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch):
    """Record every encryption of the test, and hold it to the rule at the end."""
    ledger = record(monkeypatch)
    yield ledger
    assert ledger.uses
    assert ledger.repeated() == []
    assert set(ledger.headers().values()) <= {1}


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "LONGEST_WAIT", 0.0)


def one_ciphertext_a_message(puts: list[tuple[str, bytes]]) -> int:
    """Check that whatever was sent of one message was the same bytes each time; return how many were sent again."""
    sent = defaultdict(list)
    for _, data in puts:
        sent[data[:35]].append(data)
    assert all(len(set(each)) == 1 for each in sent.values())
    return sum(len(each) - 1 for each in sent.values())


def test_the_ledger_sees_the_header_every_frame_the_wrap_and_the_metadata_of_a_message(ledger: Ledger, place: Place) -> None:
    ledger.uses.clear()
    place.volume.write(KEY, PLAINTEXT)
    assert len(ledger.uses) == 1 + 6 + 1 + 1
    assert b"".join(use.plaintext for use in ledger.uses if len(use.plaintext) in (FRAME, 8)) == PLAINTEXT
    assert len(ledger.headers()) == 1


def test_writing_the_same_bytes_at_the_same_key_makes_a_new_message_under_a_new_key_each_time(
    ledger: Ledger, place: Place
) -> None:
    place.host.puts.clear()
    ledger.uses.clear()
    for attributes in (None, LARGE) * 10:
        place.volume.write(KEY, PLAINTEXT, attributes=attributes)
    messages = [data for _, data in place.host.puts]
    assert len({data[3:35] for data in messages}) == len({parse(data).wrapped.ciphertext for data in messages}) == 30
    assert len(ledger.headers()) == 30


def test_an_upload_that_fails_at_any_part_is_abandoned_and_its_repetition_is_another_message(
    ledger: Ledger, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = place.host.begin
    for failing in (0, 1, 2, "commit"):

        def staged(*given, failing=failing, **options):
            upload = begin(*given, **options)
            part, commit = upload.part, upload.commit

            def lossy_part(number, data):
                part(number, data)
                if number == failing:
                    raise Unavailable("the answer was lost")

            def lossy_commit(*expect):
                stat = commit(*expect)
                if failing == "commit":
                    raise Unavailable("the answer was lost")
                return stat

            upload.part, upload.commit = lossy_part, lossy_commit
            return upload

        monkeypatch.setattr(place.host, "begin", staged, raising=False)
        with pytest.raises(Unavailable):
            place.volume.write("large", bytes(2 * PART + 5))
        monkeypatch.setattr(place.host, "begin", begin, raising=False)
        place.volume.write("large", b"\1" * (2 * PART + 5))
    assert place.volume.read("large", PART, PART + 4) == b"\1" * 4


def test_a_source_that_breaks_off_or_changes_between_two_attempts_never_meets_the_same_key(
    ledger: Ledger, place: Place
) -> None:
    def source(filling: bytes, broken_after: int):
        for number in itertools.count():
            if number == broken_after:
                raise OSError("the disk is gone")
            yield filling * FRAME
            if number == 5:
                return

    for attempt in range(6):
        with pytest.raises(OSError, match="gone"):
            place.volume.write("k", source(bytes([attempt]), attempt))
    place.volume.write("k", source(b"\x07", 99))
    assert place.volume.read("k") == b"\x07" * 6 * FRAME


def test_a_staged_object_is_committed_again_with_the_same_bytes(ledger: Ledger, place: Place) -> None:
    staged = place.volume.stage("k", PLAINTEXT, Metadata())
    before = len(ledger.uses)
    for _ in range(3):
        staged.commit()
    assert one_ciphertext_a_message(place.host.puts) == 2
    assert len(ledger.uses) == before


def test_resuming_over_changed_input_from_any_frame_any_number_of_times_and_from_threads(ledger: Ledger, place: Place) -> None:
    """The journal of an upload keeps the header; what follows it may have changed since, and two runs may meet."""
    ledger.uses.clear()
    started = Encryptor.create(place.keys.active_epoch.key, b"name", FRAME, lambda *_: {})
    started.update(PLAINTEXT)
    barrier = threading.Barrier(4)

    def resume(filling: int) -> None:
        barrier.wait()
        for frames_before in range(6):
            again = Encryptor.resume(started.header, lambda _: place.keys.active_epoch.key, frames_before)
            again.update(bytes([filling]) * len(PLAINTEXT))
            again.finish()

    threads = [threading.Thread(target=resume, args=(filling,)) for filling in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.headers()) == 1
    assert len([use for use in ledger.uses if use.key in ledger.headers()]) == 1 + 5 + 4 * 6 * 6


def test_threads_that_write_at_once_share_nothing(ledger: Ledger, place: Place) -> None:
    threads = [threading.Thread(target=place.volume.write, args=(KEY, PLAINTEXT)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place.volume.read(KEY) == PLAINTEXT


def losing(host: MaliciousHost, answers: set[int]) -> None:
    """Let the host keep what is put and lose the answers to the puts with these numbers."""
    put, numbers = host.put, itertools.count()

    def lossy(key, data, **options):
        stat = put(key, data, **options)
        if next(numbers) in answers:
            raise Unavailable("the answer was lost")
        return stat

    host.put = lossy


def test_a_leased_write_whose_answers_are_lost_sends_the_same_ciphertext_or_another_message(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = Moving(tmp_path, monkeypatch)
    losing(moving.old, {0, 1, 3, 5})
    client = moving.client()
    for number, expect in enumerate(("any", ABSENT, "any", "any")):
        client.write(f"k{number}", PLAINTEXT, expect=expect)
    one_ciphertext_a_message(moving.old.puts)
    assert all(client.read(f"k{number}") == PLAINTEXT for number in range(4))


def test_a_write_that_follows_its_volume_to_another_home_is_another_message_there(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The volume moves while the first home's answer is under way: its 200 counts for nothing, and the data has changed."""
    moving = Moving(tmp_path, monkeypatch)
    client, put = moving.client(), moving.old.put
    data = bytearray(PLAINTEXT)

    def meanwhile(key, stored, **options):
        stat = put(key, stored, **options)
        moving.move()
        time.sleep(2 * LEASE)
        data[:4] = b"new!"
        return stat

    moving.old.put = meanwhile
    client.write("a", data)
    assert client.read("a") == b"new!" + PLAINTEXT[4:]
    (_, here), (_, there) = *moving.old.puts, *moving.new.puts
    assert here[3:35] != there[3:35]
    one_ciphertext_a_message(moving.old.puts + moving.new.puts)


def test_a_migration_whose_source_changes_and_whose_hosts_fail_never_repeats_a_pair(ledger: Ledger, tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    for number in range(4):
        exchange.put(f"{number}", bytes([number]) * 20_000)
    exchange.put("large", bytes(2 * PART + 5))
    exchange.take_inventory()
    for round_number in range(3):
        for verb, side in (
            ("get", exchange.meddled_source),
            ("put", exchange.meddled_target),
            ("begin", exchange.meddled_target),
        ):
            calls = Verb(verb)
            for key in ("0", "2", "large"):
                calls.fail(key, *[Unavailable("no answer")] * (round_number + 1))
            source, target = (side(calls), exchange.target) if verb == "get" else (exchange.source, side(calls))
            copy_objects(exchange.journal, source, target)
        exchange.put("0", bytes([round_number]) * 30_000)
        exchange.put("large", bytes([round_number]) * (2 * PART + 6))
        exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert set(exchange.states().values()) == {"copied"}
    verify_objects(exchange.journal, exchange.source, exchange.target)
    exchange.journal.close()
    assert exchange.target.read("large", 0, 3) == bytes([2]) * 3


def filled(file, data: bytes):
    file.write(data)
    return file


CALLS = {
    "write": (1, lambda volume: volume.write("k", PLAINTEXT)),
    "create": (1, lambda volume: filled(volume.create("k"), PLAINTEXT).close()),
    "stage": (1, lambda volume: volume.stage("k", PLAINTEXT, Metadata())),
    "stream": (1, lambda volume: filled(volume.stream("k", Metadata()), bytes(2 * PART)).finish()),
    "taken_over": (1, lambda volume: volume.taken_over(volume.stage("k", PLAINTEXT, Metadata())).commit()),
    "at_once": (0, lambda volume: volume.at_once(None)),
    "committed": (1, lambda volume: volume.committed(volume.stage("k", PLAINTEXT, Metadata()), "k", Metadata())),
    "home": (0, lambda volume: volume.home()),
    "read": (0, lambda volume: volume.read(KEY)),
    "read_ranges": (0, lambda volume: volume.read_ranges(KEY, [(0, 5)])),
    "read_many": (0, lambda volume: volume.read_many([(KEY, 0, 5)])),
    "with_keys": (0, lambda volume: volume.with_keys(volume.keys)),
    "children": (0, lambda volume: list(volume.children())),
    "reader": (0, lambda volume: volume.reader(KEY).read()),
    "open": (0, lambda volume: volume.open(KEY).read()),
    "info": (0, lambda volume: volume.info(KEY)),
    "list": (0, lambda volume: list(volume.list())),
    "stored": (0, lambda volume: list(volume.stored())),
    "stored_key": (0, lambda volume: volume.stored_key(KEY)),
    "check_key": (0, lambda volume: volume.check_key(KEY)),
    "delete": (0, lambda volume: volume.delete("nothing")),
    "close": (0, lambda volume: volume.close()),
}
"""Every public call on a volume, and how many messages one call makes. `committed` sends what `stage` made."""


@pytest.mark.parametrize("kind", [Volume, LeasedVolume])
def test_every_public_call_on_a_volume_is_known_to_these_tests(kind: type) -> None:
    """A new one is added to `CALLS`, with the number of messages that it makes."""
    public = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
    assert public <= set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_each_call_makes_its_own_message_or_none_and_none_makes_a_second_header(
    ledger: Ledger, place: Place, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(place.volume, name):
        monkeypatch.setattr(place, "volume", Moving(tmp_path, monkeypatch).client())
    messages, call = CALLS[name]
    for times in (1, 2, 3):
        before = len(ledger.headers())
        call(place.volume)
        assert len(ledger.headers()) - before == messages, times


@pytest.mark.parametrize("kind", [Volume, LeasedVolume, PortableFileSystem, WritableObject])
def test_no_public_call_takes_a_header_a_message_id_a_data_key_or_an_iv(kind: type) -> None:
    """So none can be told to use one again: whatever it makes, it makes anew."""
    given = set()
    for name, member in inspect.getmembers(kind, lambda member: inspect.isfunction(member) or inspect.ismethod(member)):
        if name == "__init__" or not name.startswith("_"):
            given |= {(kind.__name__, name, parameter) for parameter in inspect.signature(member).parameters}
    words = ("header", "message_id", "data_key", "iv", "nonce", "epoch", "seq", "salt", "commitment")
    assert not [call for call in given if any(word in call[2].split("_") or word == call[2] for word in words)]


def test_every_public_way_to_write_through_the_filesystem_makes_a_message_of_its_own(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    filesystem = fsspec.filesystem("portable", skip_instance_cache=True)
    monkeypatch.setattr(filesystem, "volume", lambda _: place.volume)
    (tmp_path / "local").write_bytes(PLAINTEXT)
    place.host.puts.clear()
    filesystem.pipe_file("lake/a", PLAINTEXT)
    filesystem.put_file(str(tmp_path / "local"), "lake/b")
    filesystem.cp_file("lake/a", "lake/c")
    filesystem.mv("lake/a", "lake/d")
    filesystem.pipe({"lake/e": PLAINTEXT, "lake/f": PLAINTEXT})
    with filesystem.open("lake/g", "wb") as stream:
        stream.write(PLAINTEXT)
    with filesystem.open("lake/h", "xb") as stream:
        stream.write(PLAINTEXT)
    with pytest.raises(AlreadyExists):
        filesystem.open("lake/g", "xb")
    assert len({data[3:35] for _, data in place.host.puts}) == len(place.host.puts) == 8
