"""HTTP/1.1 messages: what is sent, and how answers are read."""

import http.client
import io
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portable.backends import http_fields
from portable.backends.http1 import Answers, BrokenAnswer, request_head
from portable.backends.protocol import Matches


def stream(data: bytes, sizes: Iterator[int] | None = None) -> Callable[[memoryview], int]:
    """Give `data` in pieces of the sizes, then the end."""
    source = io.BytesIO(data)

    def receive(view: memoryview) -> int:
        wanted = len(view) if sizes is None else min(len(view), next(sizes, len(view)))
        return source.readinto(view[:wanted])

    return receive


def read(data: bytes, method: str = "GET", sizes: Iterator[int] | None = None, room: int | None = None):
    answers = Answers(stream(data, sizes))
    status, headers, keeps = answers.head()
    body = answers.body(method, status, headers, room=room)
    return status, headers, bytes(answers.rest(room=room) if body is None else body), keeps, answers


class Socket:
    """What `http.client.HTTPResponse` reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10).map(lambda name: f"x-{name}-x")
values = st.text(st.characters(codec="latin-1", min_codepoint=32, exclude_characters="\x7f"), max_size=20).map(str.strip)


@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    fields=st.dictionaries(names, values.filter(lambda value: value == value.strip(" \t\x85\xa0")), max_size=5),
    pieces=st.lists(st.binary(max_size=200), max_size=5),
    framing=st.sampled_from(["length", "chunks", "end"]),
    method=st.sampled_from(["GET", "PUT"]),
    sizes=st.lists(st.integers(1, 64), max_size=40),
)
def test_an_answer_is_read_as_the_standard_library_reads_it(status, fields, pieces, framing, method, sizes) -> None:
    assume(status >= 300 or (method, framing) != ("GET", "end"))
    body = b"".join(pieces)
    lines = [f"{name}: {value}" for name, value in fields.items()]
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunks":
        lines.append("Transfer-Encoding: chunked")
    head = "\r\n".join([f"HTTP/1.1 {status} Some Reason", *lines]).encode("latin-1") + b"\r\n\r\n"
    message = head + (chunked(pieces) if framing == "chunks" else body)
    oracle = http.client.HTTPResponse(Socket(message))  # type: ignore[arg-type]  # it only calls makefile
    oracle.begin()
    told, headers, data, keeps, answers = read(message, method, sizes=iter(sizes))
    assert (told, data) == (oracle.status, oracle.read())
    assert {name: headers[name] for name in fields} == {name: oracle.headers[name] for name in fields}
    assert keeps
    assert answers.is_drained()
    oracle.close()


@given(bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=5), sizes=st.lists(st.integers(1, 500), max_size=40))
def test_answers_of_one_connection_do_not_mix(bodies: list[bytes], sizes: list[int]) -> None:
    message = b"".join(
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        if index % 2
        else b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%s" % chunked([body])
        for index, body in enumerate(bodies)
    )
    answers = Answers(stream(message, iter(sizes)))
    for body in bodies:
        status, headers, _ = answers.head()
        data = answers.body("GET", status, headers)
        assert data is not None
        assert bytes(data) == body
    assert answers.is_drained()
    with pytest.raises(BrokenAnswer, match="cut"):
        answers.head()


@given(data=st.binary(max_size=400))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"):
        with suppress(BrokenAnswer):
            read(start + data)


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0x3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nfolded: one\r\n two\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nspace : one\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/2 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nETag: "x"\r\netag: "y"\r\ncontent-length: 0\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nlast-modified: a\r\nlast-modified: b\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 206 OK\r\ncontent-range: bytes 0-0/1\r\ncontent-range: bytes 0-0/2\r\ncontent-length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\n\r\nthe whole object, or a part of it",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
    ids=lambda message: ascii(message[:60]),
)
def test_an_answer_that_is_not_clear_is_refused(message: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        read(message)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_cut_answer_is_refused(cut: int) -> None:
    for message in (
        b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n" + b"a" * 30,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked([b"a" * 30]),
    ):
        with pytest.raises(BrokenAnswer, match="cut"):
            read(message[:-cut])


def test_a_length_is_checked_where_it_only_describes() -> None:
    for method, status in (("HEAD", 200), ("GET", 304), ("PUT", 204)):
        for told in (b"-5", b"5, 5", b"", b"+5", b"\xb2"):
            with pytest.raises(BrokenAnswer, match="length"):
                read(b"HTTP/1.1 %d OK\r\ncontent-length: %s\r\n\r\n" % (status, told), method)


@pytest.mark.parametrize(("method", "status"), [("GET", 503), ("PUT", 200), ("CONNECT", 407)])
def test_what_is_no_object_may_go_on_to_the_end_of_the_connection(method: str, status: int) -> None:
    assert read(b"HTTP/1.1 %d Some\r\n\r\nreason" % status, method)[2] == b"reason"


def test_a_field_that_says_the_same_twice_says_it() -> None:
    _, headers, body, _, _ = read(
        b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: "x"\r\ncontent-length: 1\r\netag: "x"\r\n\r\nx'
    )
    assert (headers, body) == ({"content-length": "1", "etag": '"x"'}, b"x")


def test_repeated_fields_that_are_lists_are_joined() -> None:
    assert read(b"HTTP/1.1 200\r\ncontent-length: 0\r\nvary: a\r\nVary: b\r\n\r\n")[1]["vary"] == "a, b"


def test_some_answers_have_no_body() -> None:
    for method, status in (("HEAD", 200), ("GET", 204), ("GET", 304), ("CONNECT", 200)):
        message = b"HTTP/1.1 %d OK\r\ncontent-length: 3\r\n\r\n" % status
        assert read(message, method)[2] == b""


def test_interim_answers_are_passed_over() -> None:
    message = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"
    status, headers, body, _, _ = read(message)
    assert (status, body) == (200, b"x")
    assert "link" not in headers


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\nconnection: other ,Keep-Alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_kept_where_the_host_keeps_it(head: bytes, *, keeps: bool) -> None:
    assert read(head + b"content-length: 0\r\n\r\n")[3] is keeps


def test_a_body_is_bounded() -> None:
    message = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n"
    with pytest.raises(BrokenAnswer, match="over 10 bytes"):
        read(message, room=10)
    with pytest.raises(BrokenAnswer, match="over 10 bytes"):
        read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked([b"a" * 6, b"b" * 6]), room=10)
    with pytest.raises(BrokenAnswer, match="over 10 bytes"):
        read(b"HTTP/1.1 500 Failed\r\n\r\n" + b"a" * 11, room=10)


def test_a_length_that_was_claimed_is_not_set_aside_at_once() -> None:
    with pytest.raises(BrokenAnswer, match="cut"):  # and not MemoryError
        read(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999999\r\n\r\nabc")


def test_a_request_says_what_it_must() -> None:
    assert request_head("PUT", "/a?b=c", "host:1", {"x-ms-version": "1"}, 0) == (
        b"PUT /a?b=c HTTP/1.1\r\nHost: host:1\r\nAccept-Encoding: identity\r\nx-ms-version: 1\r\nContent-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize("bad", ["a\r\nx: y", "a\nb", "a\rb", "a\0b"])
def test_nothing_can_add_a_line_to_a_request(bad: str) -> None:
    for make in (
        lambda: request_head("GET", bad, "host", {}, None),
        lambda: request_head("GET", "/", "host", {"name": bad}, None),
        lambda: request_head("GET", "/", "host", {bad: "value"}, None),
        lambda: request_head("GET", "/a b", "host", {}, None),
        lambda: request_head("GET", "/", "host", {"name": "é"}, None),
    ):
        with pytest.raises(ValueError, match=r"line break|ascii"):
            make()


@given(etag=st.text(st.characters(codec="latin-1"), max_size=20))
def test_an_etag_can_be_given_back_or_is_refused_when_it_arrives(etag: str) -> None:
    try:
        taken = http_fields.quoted(etag)
    except ValueError:
        assert not (etag.isascii() and etag.isprintable())
    else:
        assert taken.strip('"') == etag.strip('"')
        assert request_head("GET", "/", "host", http_fields.condition(Matches(taken)), None)
