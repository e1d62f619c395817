"""What filesystems say of a file, read as length, time and a token that changes with the bytes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.fsspec_versions import described, entity_tag
from portable.errors import Unsupported

WHEN = datetime(2026, 11, 22, 4, 5, 6, 789_000, tzinfo=UTC)
LOCAL = {"name": "/a", "size": 3, "type": "file", "created": 1.5, "mtime": 2.5, "ino": 7, "uid": 0, "gid": 0, "mode": 33188}


def etag(info: dict[str, Any]) -> str:
    return described(info, "a", url="fsspec+x://y").etag


@pytest.mark.parametrize("name", ["ETag", "etag", "e_tag"])
def test_an_etag_of_the_host_is_taken_as_it_is(name: str) -> None:
    assert etag({"size": 1, name: '"abc"', "mtime": 1.0}) == '"abc"'
    assert entity_tag({name: '"abc"'}) == '"abc"'


@pytest.mark.parametrize("answer", [None, {}, {"ETag": ""}, {"ETag": None}, b"bytes"])
def test_an_answer_without_an_etag_tells_no_version(answer: object) -> None:
    assert entity_tag(answer) is None


@given(st.sampled_from(["size", "mtime", "created", "ino", "mode"]), st.integers(1, 1 << 40))
def test_without_an_etag_each_sign_of_a_change_changes_the_token(name: str, by: int) -> None:
    assert etag(LOCAL) == etag(dict(reversed(LOCAL.items())))
    assert etag(LOCAL | {name: LOCAL[name] + (by if name != "mtime" and name != "created" else by % 1_000_000 + 1)}) != etag(
        LOCAL
    )


@pytest.mark.parametrize(
    "told",
    [
        WHEN,
        WHEN.replace(tzinfo=None),
        WHEN.astimezone(timezone(timedelta(hours=5))),
        WHEN.timestamp(),
        "2026-11-22T04:05:06.789Z",
        "2026-11-22T05:05:06.789+01:00",
    ],
    ids=str,
)
def test_a_time_is_read_however_it_is_told(told: object) -> None:
    stat = described({"size": 1, "modified": told}, "a", url="fsspec+x://y")
    assert abs(stat.modified - WHEN) < timedelta(milliseconds=1)
    assert stat.modified.utcoffset() == timedelta(0)


def test_the_same_time_told_in_two_ways_makes_one_token() -> None:
    """fsspec's memory filesystem gives a datetime in `info` and a number in `find`."""
    assert etag({"size": 1, "created": WHEN}) == etag({"size": 1, "created": WHEN.timestamp()})


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        ("modify", "20261122040506", WHEN.replace(microsecond=0)),
        ("modify", "20261122040506.789", WHEN),
        ("modificationTime", 1_795_320_306_789, WHEN),
    ],
)
def test_ftp_and_hdfs_have_times_of_their_own(name: str, told: object, expected: datetime) -> None:
    """RFC 3659, section 2.3 (in UTC), and milliseconds."""
    assert described({"size": 1, name: told}, "a", url="fsspec+x://y").modified == expected


@pytest.mark.parametrize("told", [1e12, -1e12, "9999-12-31T23:59:59.999999", "9999-12-31T23:59:59-05:00"])
def test_a_time_beyond_every_calendar_ends_no_listing(told: object) -> None:
    assert described({"size": 1, "mtime": told}, "a", url="fsspec+x://y").modified.year in (1, 9999)


@pytest.mark.parametrize(
    ("info", "missing"),
    [
        ({"size": None, "mtime": 1.0}, "no length"),
        ({"mtime": 1.0}, "no length"),
        ({"size": 1}, "no time"),
        ({"size": 1, "ETag": '"a"'}, "no time"),
        ({"size": 1, "mtime": "yesterday"}, "no time"),
        ({"size": 1, "mtime": True}, "no time"),
        ({"size": 1, "modify": "Nov 22 04:05"}, "no time"),  # of an FTP server without MLSD: in no known zone, to the minute
    ],
)
def test_a_filesystem_that_does_not_tell_enough_is_refused(info: dict[str, Any], missing: str) -> None:
    with pytest.raises(Unsupported, match=missing):
        described(info, "a", url="fsspec+x://y")
