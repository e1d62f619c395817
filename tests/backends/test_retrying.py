"""Which calls are repeated, and what becomes of a write whose answer was lost."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from portable.backends.memory import MemoryBackend
from portable.backends.pages import Pages
from portable.backends.protocol import ABSENT, ANY, Attributes, Backend, Expectation, Matches, Stat
from portable.backends.retry_rules import rule
from portable.backends.retrying import RetryingBackend, host_backend
from portable.backends.write_ids import WRITE_ID, write_id_of
from portable.errors import (
    AlreadyExists,
    ConfigurationError,
    Corrupt,
    Denied,
    InvalidKey,
    NotFound,
    ObjectChanged,
    OutcomeUnknown,
    PortableError,
    PreconditionFailed,
    Throttled,
    Unavailable,
    Unsupported,
)
from tests.backends.faulty import Fault, FaultyHost, retrying

FAILED = Fault(lambda: Unavailable("HTTP 500"))
LOST = Fault(lambda: Unavailable("connection reset"), takes_effect=True)
THROTTLED = Fault(lambda: Throttled("HTTP 503 SlowDown"))
DAMAGED = Fault(lambda: Corrupt("BadDigest"))
ALTERED = Fault(lambda: Corrupt("the host confirmed another checksum"), takes_effect=True)
UNREPEATED = [Denied, NotFound, InvalidKey, Unsupported, ConfigurationError, ObjectChanged]
VERBS: dict[str, Callable[[Backend], object]] = {
    "get": lambda backend: bytes(backend.get("key").data),
    "stat": lambda backend: backend.stat("key").size,
    "list": lambda backend: [stat.key for stat in backend.list()],
    "inventory": lambda backend: [stat.key for stat in backend.inventory()],
    "unfinished": lambda backend: list(backend.unfinished()),
    "put": lambda backend: backend.put("other", b"12").size,
    "delete": lambda backend: backend.delete("key"),
    "begin": lambda backend: backend.begin("other").staged(),
}


def standing(*faults: Fault | None, attributes: bool = True) -> FaultyHost:
    host = FaultyHost(attributes=attributes)
    host.store.put("key", b"data")
    host.faults = list(faults)
    return host


def content(host: FaultyHost, key: str = "key") -> bytes:
    return bytes(host.store.get(key).data)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", [FAILED, LOST, THROTTLED], ids=["failed", "lost", "throttled"])
def test_an_unavailable_host_is_asked_again(verb: str, fault: Fault) -> None:
    calm, host = standing(), standing(fault, fault, fault)
    assert VERBS[verb](retrying(host)) == VERBS[verb](retrying(calm))
    assert host.calls[:4] == [verb] * 4


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("error", UNREPEATED)
def test_a_refusal_is_passed_on_at_once(verb: str, error: type[PortableError]) -> None:
    host = standing(Fault(lambda: error("no")))
    with pytest.raises(error):
        VERBS[verb](retrying(host))
    assert host.calls == [verb]


@pytest.mark.parametrize(("verb", "repeated"), [("get", True), ("put", True), ("stat", False), ("delete", False)])
def test_damaged_bytes_are_sent_and_asked_for_a_couple_of_times(verb: str, repeated: bool) -> None:  # noqa: FBT001
    host = standing(*[DAMAGED] * 3)
    with pytest.raises(Corrupt):
        VERBS[verb](retrying(host))
    assert host.calls == [verb] * (3 if repeated else 1)
    host = standing(*[DAMAGED] * 2 * repeated)
    VERBS[verb](retrying(host))


def test_every_verb_has_a_rule_under_every_expectation_that_it_knows() -> None:
    for verb in (*VERBS, "resume", "part", "staged", "abort", "commit"):
        assert Unavailable in rule(verb).after
    for verb in ("put", "delete", "commit"):
        assert PreconditionFailed in rule(verb, Matches('"1"')).settled
        assert PreconditionFailed not in rule(verb).settled


@pytest.mark.parametrize("expect", [ABSENT, Matches('"1"')], ids=ascii)
def test_a_first_refusal_of_a_condition_is_final(expect: Expectation) -> None:
    host = standing()
    backend = retrying(host)
    backend.put("key", b"changed")
    with pytest.raises(AlreadyExists if expect == ABSENT else PreconditionFailed):
        backend.put("key", b"mine", expect=expect)
    assert host.calls == ["put", "put"]


@pytest.mark.parametrize("faults", [[LOST], [FAILED, LOST], [LOST, FAILED], [LOST, LOST, THROTTLED], [DAMAGED]])
def test_a_conditional_write_recognises_its_own_object(faults: list[Fault]) -> None:
    host = standing(*faults)
    backend = retrying(host)
    attributes = Attributes(content_type="text/plain", metadata={"n": "1"})
    created = backend.put("new", b"created", expect=ABSENT, attributes=attributes)
    assert created == backend.stat("new")
    assert created.attributes == attributes
    host.faults = list(faults)
    replaced = backend.put("new", b"replaced", expect=Matches(created.etag))
    assert replaced == backend.stat("new")
    assert replaced.etag != created.etag
    assert content(host, "new") == b"replaced"


@pytest.mark.parametrize("expect", [ABSENT, Matches], ids=["create", "replace"])
@pytest.mark.parametrize("faults", [[ALTERED], [ALTERED, FAILED], [LOST, DAMAGED]])
def test_an_own_object_that_may_be_damaged_is_no_success_and_no_refusal(faults: list[Fault], expect: object) -> None:
    host = standing()
    key = "new" if expect == ABSENT else "key"
    condition = ABSENT if expect == ABSENT else Matches(host.store.stat("key").etag)
    host.faults = list(faults)
    with pytest.raises(Corrupt, match=f"put '{key}' in s3://bucket: this write's object stands there"):
        retrying(host).put(key, b"mine", expect=condition)
    assert content(host, key) == b"mine"


@pytest.mark.parametrize("fault", [FAILED, DAMAGED], ids=["failed", "damaged"])
@pytest.mark.parametrize("expect", [ABSENT, Matches], ids=["create", "replace"])
def test_another_writers_object_is_not_taken_for_ones_own(expect: object, fault: Fault) -> None:
    host = standing()
    other = retrying(host)
    before = other.stat("key")
    key = "new" if expect == ABSENT else "key"
    won = other.put(key, b"theirs", expect=ABSENT if expect == ABSENT else Matches(before.etag))
    host.faults = [fault]
    with pytest.raises(OutcomeUnknown, match="is not there"):
        retrying(host).put(key, b"mine", expect=ABSENT if expect == ABSENT else Matches(before.etag))
    assert content(host, key) == b"theirs"
    assert other.stat(key) == won


@pytest.mark.parametrize("fault", [LOST, ALTERED], ids=["lost", "altered"])
@pytest.mark.parametrize("then", ["replaced", "deleted", "put back"])
@pytest.mark.parametrize("expect", [ABSENT, Matches], ids=["create", "replace"])
def test_a_write_that_others_saw_and_undid_is_not_said_to_be_refused(
    expect: object, then: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = standing()
    key = "new" if expect == ABSENT else "key"
    condition = ABSENT if expect == ABSENT else Matches(host.store.stat("key").etag)
    host.faults = [fault]
    put, seen = host.put, list[bytes]()

    def observed(key: str, *given: Any, **named: Any) -> Stat:
        try:
            return put(key, *given, **named)
        finally:
            if not seen:
                seen.append(content(host, key))
                if then == "deleted":
                    host.store.delete(key)
                else:
                    host.store.put(key, b"data" if then == "put back" else b"theirs")

    monkeypatch.setattr(host, "put", observed)
    if expect == ABSENT and then == "deleted":
        assert retrying(host).put(key, b"mine", expect=condition).size == 4  # and so it is written twice
    else:
        with pytest.raises(OutcomeUnknown):
            retrying(host).put(key, b"mine", expect=condition)
    assert seen == [b"mine"]


def test_a_host_that_keeps_no_metadata_cannot_tell_whose_object_it_is() -> None:
    host = standing(LOST, attributes=False)
    with pytest.raises(OutcomeUnknown, match="put 'new'") as caught:
        retrying(host).put("new", b"mine", expect=ABSENT)
    assert isinstance(caught.value.__cause__, AlreadyExists)
    host = standing(FAILED, attributes=False)
    assert retrying(host).put("new", b"mine", expect=ABSENT).size == 4
    assert host.store.stat("new").attributes == Attributes()


def test_a_writer_that_may_not_look_does_not_know_the_outcome() -> None:
    host = standing(LOST, None, Fault(lambda: Denied("HTTP 403")))
    with pytest.raises(OutcomeUnknown, match="denied"):
        retrying(host).put("new", b"mine", expect=ABSENT)


def test_a_look_that_fails_is_repeated_with_the_write() -> None:
    host = standing(LOST, None, FAILED, None, FAILED)
    assert retrying(host).put("new", b"mine", expect=ABSENT).size == 4
    assert host.calls == ["put", "put", "stat", "put", "stat", "put", "stat"]


def test_what_was_written_and_has_gone_again_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    host = standing(LOST)
    stat = host.stat

    def vanishing(key: str) -> Stat:
        host.store.delete(key)
        return stat(key)

    monkeypatch.setattr(host, "stat", vanishing)
    with pytest.raises(OutcomeUnknown):
        retrying(host).put("new", b"mine", expect=ABSENT)


@pytest.mark.parametrize("expect", [ANY, ABSENT], ids=ascii)
@pytest.mark.parametrize("faults", [[LOST], [FAILED], [LOST, FAILED, LOST]])
def test_a_commit_whose_answer_was_lost_is_found_again(expect: Expectation, faults: list[Fault]) -> None:
    host = standing()
    upload = retrying(host).begin("new", attributes=Attributes(metadata={"n": "1"}))
    upload.part(0, b"staged")
    host.faults = list(faults)
    stat = upload.commit(expect)
    assert (stat.size, stat.attributes) == (6, Attributes(metadata={"n": "1"}))
    assert stat == retrying(host).stat("new")
    host.calls.clear()
    upload.abort()
    assert host.calls == []


def test_a_commit_of_an_upload_that_is_gone_is_no_success() -> None:
    host = standing()
    upload = retrying(host).begin("new")
    upload.part(0, b"staged")
    host.uploads.clear()
    with pytest.raises(NotFound):
        upload.commit()
    host.faults = [FAILED]
    with pytest.raises(OutcomeUnknown):
        upload.commit()
    host.store.put("new", b"theirs")
    host.faults = [FAILED]
    with pytest.raises(OutcomeUnknown):
        upload.commit()


def test_a_commit_that_another_writer_forestalled_is_refused_where_no_answer_was_lost() -> None:
    host = standing()
    upload = retrying(host).begin("new")
    upload.part(0, b"mine")
    retrying(host).put("new", b"theirs", expect=ABSENT)
    for expect, refusal in ((ABSENT, AlreadyExists), (Matches('"0"'), PreconditionFailed)):
        with pytest.raises(refusal):
            upload.commit(expect)
        host.faults = [FAILED]
        with pytest.raises(OutcomeUnknown):
            upload.commit(expect)
    assert content(host, "new") == b"theirs"


def test_a_commit_of_damaged_parts_is_not_repeated() -> None:
    host = standing()
    upload = retrying(host).begin("new")
    upload.part(0, b"mine")
    host.faults = [DAMAGED]
    with pytest.raises(Corrupt):
        upload.commit()


def test_parts_are_staged_again_until_they_stand() -> None:
    host = standing()
    upload = retrying(host).begin("new")
    host.faults = [FAILED, DAMAGED, LOST, FAILED, None, FAILED, None, FAILED]
    assert upload.part(0, b"staged") == "none"
    host.faults = [FAILED]
    assert upload.staged() == {0: 6}
    host.faults = [LOST]
    upload.abort()
    assert host.uploads == {}


def test_an_upload_goes_on_elsewhere_and_knows_its_write() -> None:
    host = standing()
    begun = retrying(host).begin("new", attributes=Attributes(metadata={"n": "1"}))
    begun.part(0, b"staged")
    host.faults = [FAILED]
    resumed = retrying(host).resume("new", begun.token, attributes=Attributes(metadata={"n": "1"}))
    assert host.resumed_with is not None
    assert host.resumed_with.metadata == {"n": "1", WRITE_ID: begun.token.partition(".")[0]}
    assert (resumed.staged(), resumed.token) == ({0: 6}, begun.token)
    host.faults = [LOST]
    assert resumed.commit(ABSENT) == retrying(host).stat("new")


def test_an_upload_that_was_found_in_a_listing_can_be_dropped_or_committed() -> None:
    host = standing()
    retrying(host).begin("key").part(0, b"staged")
    host.faults = [FAILED]
    (found,) = retrying(host).unfinished()
    resumed = retrying(host).resume("key", found.token)
    assert resumed.staged() == {0: 6}
    host.faults = [LOST]
    with pytest.raises(OutcomeUnknown):  # whose write that was, only its beginner knew
        resumed.commit()
    retrying(host).begin("key")
    (found,) = retrying(host).unfinished()
    retrying(host).resume("key", found.token).abort()
    assert list(retrying(host).unfinished()) == []


@pytest.mark.parametrize("token", ["", "upload", "xyz.upload", "\r\n.upload", "ab" * 16 + "."])
def test_a_token_that_no_upload_gave_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="token"):
        retrying(standing()).resume("key", token)


def test_an_upload_that_no_other_process_can_go_on_with_has_no_token() -> None:
    host = standing()
    backend = RetryingBackend(host.store, url="memory://m", bound=60.0)
    assert backend.begin("new").token == ""
    with pytest.raises(Unsupported):
        backend.resume("new", "")
    with pytest.raises(Unsupported):
        next(backend.unfinished())


def test_a_conditional_delete_is_settled_by_what_stands_there() -> None:
    host = standing(LOST)
    etag = host.store.stat("key").etag
    retrying(host).delete("key", expect=Matches(etag))
    with pytest.raises(NotFound):
        host.store.stat("key")
    with pytest.raises(PreconditionFailed):
        retrying(host).delete("key", expect=Matches(etag))

    host = standing()
    etag = host.store.stat("key").etag
    host.store.put("key", b"theirs")
    host.faults = [FAILED]
    with pytest.raises(OutcomeUnknown, match="delete 'key'"):
        retrying(host).delete("key", expect=Matches(etag))
    assert content(host) == b"theirs"


def test_a_delete_that_is_refused_against_the_facts_is_repeated() -> None:
    host = standing(FAILED, Fault(lambda: PreconditionFailed("a stale replica")))
    retrying(host).delete("key", expect=Matches(host.store.stat("key").etag))
    assert host.calls == ["delete", "delete", "stat", "delete"]


def test_write_ids_are_shown_to_nobody_and_new_for_each_write() -> None:
    host = standing()
    backend = retrying(host)
    given = Attributes(content_language="fr", metadata={"n": "1"})
    for key in ("a", "b"):
        assert backend.put(key, b"", expect=ABSENT, attributes=given).attributes == given
    upload = backend.begin("c", attributes=given)
    upload.part(0, b"")
    assert upload.commit().attributes == given
    shown = [backend.stat("a"), backend.get("b").stat, *backend.list(), *backend.inventory()]
    assert all(stat.attributes in (None, Attributes(), given) for stat in shown)
    ids = {write_id_of(host.store.stat(key)) for key in ("a", "b", "c")}
    assert len(ids) == 3
    assert "" not in ids


def test_an_unconditional_write_needs_no_id() -> None:
    host = standing()
    retrying(host).put("a", b"")
    assert host.store.stat("a").attributes == Attributes()


def test_metadata_of_the_ids_name_is_refused() -> None:
    backend = retrying(standing())
    attributes = Attributes(metadata={WRITE_ID.title(): "mine"})
    for write in (
        lambda: backend.put("a", b"", attributes=attributes),
        lambda: backend.begin("a", attributes=attributes),
        lambda: backend.resume("a", ".upload.0", attributes=attributes),
    ):
        with pytest.raises(Unsupported, match=WRITE_ID):
            write()


def test_metadata_that_fills_the_host_goes_before_the_id() -> None:
    host = standing(LOST)
    full = Attributes(metadata={"n": "x" * 2047})
    with pytest.raises(OutcomeUnknown):
        retrying(host).put("a", b"", expect=ABSENT, attributes=full)
    assert retrying(host).stat("a").attributes == host.store.stat("a").attributes == full


def pages(host: FaultyHost) -> Callable[[str], Pages[Stat]]:
    """Let the host list two keys a page."""
    entries = [host.store.put(f"k{number}", b"") for number in range(7)]

    def fetch(marker: str | None) -> tuple[list[Stat], str | None]:
        start = int(marker or 0)
        following = str(start + 2) if start + 2 < len(entries) else None
        return host.call("page", lambda: (entries[start : start + 2], following))

    return lambda _: Pages(fetch, url="s3://bucket")


def test_a_listing_by_pages_survives_the_loss_of_any_page(monkeypatch: pytest.MonkeyPatch) -> None:
    host = FaultyHost(FAILED, None, LOST, FAILED, None, DAMAGED, None, FAILED)
    monkeypatch.setattr(host, "list", pages(host))
    assert [stat.key for stat in retrying(host).list()] == [f"k{number}" for number in range(7)]
    assert len(host.calls) == 4 + 5


def test_pages_that_raised_go_on_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    host = FaultyHost(None, FAILED, None, FAILED)
    listing = pages(host)("")
    keys: list[str] = []
    while True:
        try:
            keys.extend(stat.key for stat in listing)
            break
        except Unavailable:
            continue
    assert keys == [f"k{number}" for number in range(7)]


@pytest.mark.parametrize("turns", [[([], "a"), ([], "b"), ([], "a")], [(["k"], "a"), (["l"], "b"), (["k"], "c")]])
def test_a_listing_that_would_never_end_is_given_up(turns: list[tuple[list[str], str]]) -> None:
    following = iter(turns)
    listing = Pages(lambda _: next(following), url="s3://bucket")
    with pytest.raises(Unavailable, match="repeats"):
        list(listing)


def test_a_page_that_is_not_named_is_no_end() -> None:
    with pytest.raises(Unavailable, match="another page"):
        list(Pages(lambda _: (["k"], ""), url="s3://bucket"))
    assert list(Pages(lambda _: (["k"], None), url="s3://bucket")) == ["k"]


def test_empty_pages_are_passed_over_and_a_listing_of_nothing_else_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portable.backends.pages.MOST_EMPTY", 10)
    some = [*[([], str(number)) for number in range(10)], (["k"], "next"), ([], "last"), (["l"], None)]
    following = iter(some)
    assert list(Pages(lambda _: next(following), url="s3://bucket")) == ["k", "l"]
    tokens, asked = count(), list[str | None]()

    def endless(marker: str | None) -> tuple[list[str], str]:
        asked.append(marker)
        return [], f"token {next(tokens)}"

    listing = Pages(endless, url="s3://bucket")
    with pytest.raises(Unavailable, match="list s3://bucket: the host gave 11 pages in a row"):
        list(listing)
    with pytest.raises(Unavailable):
        listing.page()
    assert len(asked) == 12
    assert asked[-1] == asked[-2]  # that page is still due


@pytest.mark.parametrize("given", [0, 1, 2])
def test_a_listing_that_broke_is_begun_again_only_before_its_first_entry(given: int, monkeypatch: pytest.MonkeyPatch) -> None:
    host = standing()
    begun = []

    def listing(prefix: str = "") -> Iterator[Stat]:
        begun.append(prefix)
        entries = [replace_key(host.store.stat("key"), f"k{number}") for number in range(4)]
        yield from entries[:given]
        if len(begun) == 1:
            raise Unavailable("cut")
        yield from entries[given:]

    monkeypatch.setattr(host, "list", listing)
    listed = retrying(host).list("p")
    if given:
        with pytest.raises(Unavailable):
            list(listed)
        assert begun == ["p"]
    else:
        assert [stat.key for stat in listed] == ["k0", "k1", "k2", "k3"]
        assert begun == ["p", "p"]


def replace_key(stat: Stat, key: str) -> Stat:
    return Stat(key, stat.size, stat.modified, stat.etag)


def test_a_repeated_listing_of_nothing_is_empty() -> None:
    assert list(retrying(FaultyHost(FAILED)).list()) == []


def test_the_hosts_own_backend_is_at_hand() -> None:
    host = standing()
    backend = retrying(host)
    assert host_backend(backend, FaultyHost) is backend.inner is host
    assert host_backend(host, FaultyHost) is host
    assert host_backend(backend, MemoryBackend) is None
    assert (backend.capabilities, backend.bound, backend.url) == (host.capabilities, 30.0, host.url)


def test_a_read_of_what_only_the_host_has_is_repeated() -> None:
    host = FaultyHost(Fault(lambda: Unavailable("lost")), Fault(lambda: Corrupt("altered")))
    host.store.put("key", b"data")
    assert retrying(host).reading(lambda own: own.stat("key").size) == 4
    assert host.calls == ["stat"] * 3
    with pytest.raises(NotFound):
        retrying(host).reading(lambda own: own.stat("nothing"))
    assert host.calls == ["stat"] * 4
