"""Pages of listings as tables, beside the standard library's parser: the same rows, or none at all."""

from datetime import UTC, datetime
from random import Random
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.backends import azure_pages, s3_pages
from portable.backends.protocol import Folder
from portable.backends.xml_tables import table

FIELDS = ("Key", "Size", "Owner/ID", "Class")
REQUIRED = 2
CHARACTERS = "aab/%+ ]>&<\"'\u00e9\u2028\U0001f600\n\t"
SPACES = ["", "", "\n", " \n  "]
EDITS = [b"", b"<", b">", b"&", b"</Contents>", b"<Contents>", b"<!--", b"]]>", b"\r", b"\x01", b"\xff"]
SEEDS = st.integers(0, 2**32).map(Random)
"""Documents are made by chance: Hypothesis takes a tenth of a second to make one itself."""


def told(entry: Element) -> tuple[str, ...]:
    """Read the fields as the standard library tells them."""
    paths = ("/".join(f"{{*}}{step}" for step in field.split("/")) for field in FIELDS)
    return tuple(entry.findtext(path) or "" for path in paths)


def rows_by_parser(document: bytes) -> list[tuple[str, ...]]:
    return [told(entry) for entry in parsed(document).iterfind("{*}Contents")]


def parsed(document: bytes) -> Element:
    return fromstring(document)  # noqa: S314  # the oracle, of documents made here


def text(chance: Random) -> str:
    characters = CHARACTERS if chance.randrange(20) == 0 else "ab/%+ '\u00e9"
    return "".join(chance.choices(characters, k=chance.randrange(8)))


def leaf(chance: Random, name: str) -> str:
    said, unusual = text(chance), chance.randrange(80)
    if unusual == 0:
        return f'<{name} a="b">{escape(said)}</{name}>'
    if unusual == 1:
        return f"<{name}><![CDATA[x]]></{name}>"
    if unusual == 2:
        return f"<{name}>x&#x41;<!-- <Contents> --></{name}>"
    if not said and chance.random() < 0.5:
        return chance.choice([f"<{name}/>", f"<{name} />"])
    quotes = {'"': chance.choice(['"', "&quot;", "&#34;"])}
    return f"<{name}>{escape(said, quotes)}</{name}>"


def entry(chance: Random, names: list[str]) -> str:
    shown = [leaf(chance, name) for name in names if name != "Owner"]
    if "Owner" in names:
        shown.append(f"<Owner>{leaf(chance, 'ID')}{chance.choice(SPACES)}</Owner>")
    if chance.random() < 0.05:
        shown.append(leaf(chance, "Class"))
    return f"<Contents>{chance.choice(SPACES).join(shown)}</Contents>"


def document(chance: Random) -> bytes:
    names = ["Key", "Size", *chance.sample(["Class", "Owner", "Other"], chance.randrange(4))]
    chance.shuffle(names)
    shown = [entry(chance, names) for _ in range(chance.randrange(1, 5))]
    before, after = (f"<Prefix>{escape(text(chance))}</Prefix>" for _ in range(2))
    opening = chance.choice(["<Result>", '<Result xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'])
    declared = chance.choice(["", '<?xml version="1.0" encoding="UTF-8"?>\n', "<?xml version='1.0'?>"])
    return f"{declared}{opening}{before}{chance.choice(SPACES).join(shown)}{after}</Result>".encode()


@settings(max_examples=400)
@given(SEEDS)
def test_a_table_has_the_rows_that_a_parser_finds(chance: Random) -> None:
    made = document(chance)
    found = table(made, "", "Contents", FIELDS, REQUIRED)
    if found is not None:
        assert found.rows == rows_by_parser(made)
        assert not found.rest.findall("{*}Contents")
        texts = [element.text for element in parsed(made).iterfind("{*}Prefix")]
        assert [element.text for element in found.rest.iterfind("{*}Prefix")] == texts


@settings(max_examples=600)
@given(SEEDS)
def test_no_change_of_a_document_hides_a_row(chance: Random) -> None:
    made = document(chance)
    start = chance.randrange(len(made))
    changed = made[:start] + chance.choice(EDITS) + made[start + chance.randrange(12) :]
    found = table(changed, "", "Contents", FIELDS, REQUIRED)
    if found is None:
        return
    try:
        rows = rows_by_parser(changed)
    except ParseError:
        # What is wrong stands in a field that nobody asked for.
        assert len(found.rows) == changed.count(b"<Contents>")
    else:
        assert found.rows == rows


def test_most_documents_need_no_parser_for_it() -> None:
    made = [document(Random(seed)) for seed in range(200)]
    assert sum(table(each, "", "Contents", FIELDS, REQUIRED) is not None for each in made) > 40


def page(*shown: str, around: str = "{}") -> bytes:
    return f"<Result><Name>n</Name>{around.format(''.join(shown))}</Result>".encode()


PLAIN = "<Contents><Key>a</Key><Size>1</Size><Owner><ID>i</ID></Owner></Contents>"


@pytest.mark.parametrize(
    "second",
    [
        "<Contents><Key>b</Key><Size>2</Size></Contents>\n",
        "<Contents><Key>&quot;b&#34;</Key>\n<Size/><Owner><ID /></Owner></Contents>",
    ],
)
def test_most_pages_need_no_parser(second: str) -> None:
    document = page(PLAIN, second) if "Owner" in second else page(second, second)
    found = table(document, "", "Contents", FIELDS, REQUIRED)
    assert found is not None
    assert found.rows == rows_by_parser(document)


@pytest.mark.parametrize(
    "document",
    [
        page(),
        page(PLAIN, around="<!-- {} -->"),
        page(PLAIN, around="<![CDATA[{}]]>"),
        page(PLAIN, around="<Other>{}</Other>"),
        page(PLAIN, around="{}<Other><Contents/></Other>"),
        page(PLAIN, "<Contents/>"),
        page(PLAIN, "<Other/>", PLAIN),
        page(PLAIN, "<Contents><Key>b</Key></Contents>"),
        page(PLAIN, PLAIN.replace("<Key>", "<Key>b</Key><Key>")),
        page(PLAIN.replace("a", "&amp;")),
        page(PLAIN.replace("a", "\r")),
        page(PLAIN.replace("a", "\uffff")),
        page(PLAIN.replace("a", "]]>")),
        page(PLAIN)[:-20],
        page(PLAIN).replace(b"a", b"\xff"),
        b"<!DOCTYPE Result [<!ENTITY e 'x'>]>" + page(PLAIN),
        b'<?xml version="1.0" encoding="ISO-8859-1"?>' + page(PLAIN),
        b'<?xml version="1.0" encoding="foo"?>' + page(PLAIN),
        b'<?xml\nversion="1.0" encoding="ISO-8859-1"?>' + page(PLAIN),
        b"""<?xml version="1.0" encoding="hex" encoding="utf-8"?>""" + page(PLAIN),
        b"\xef\xbb\xbf" + page(PLAIN),
        page(PLAIN).decode().encode("utf-16"),
    ],
    ids=lambda document: ascii(document[:80]),
)
def test_an_unusual_page_is_left_to_a_parser(document: bytes) -> None:
    assert table(document, "", "Contents", FIELDS, REQUIRED) is None


S3_PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Prefix>p/</Prefix><EncodingType>url</EncodingType>{truncated}
<Contents><Key>p/a+b%2Fc</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;1&quot;</ETag><Size>5</Size></Contents>
<Contents><Key>p/{key}</Key><LastModified>2026-01-02T05:04:05+02:00</LastModified><ETag>2</ETag><Size>6</Size><StorageClass>COLD</StorageClass></Contents>
<CommonPrefixes><Prefix>p/x+y/</Prefix></CommonPrefixes></ListBucketResult>"""
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("key", ["d", "d&#x64;"], ids=["as a table", "by a parser"])
def test_a_page_of_s3_is_read(key: str) -> None:
    shown = s3_pages.page(S3_PAGE.format(key=key, truncated="").encode())
    name = key.replace("&#x64;", "d")
    assert [(stat.key, stat.size, stat.etag, stat.modified) for stat in shown.stats("p/")] == [
        ("a b/c", 5, '"1"', AT),
        (name, 6, '"2"', AT),
    ]
    assert [stat.details for stat in shown.inventory("p/")] == [{}, {"storage_class": "COLD"}]
    assert list(shown.folders("", "p/")) == [Folder("p/x y/")]
    assert shown.following(2) is None


@pytest.mark.parametrize("wrong", ["<Size>-1<", "<Size>\u0661<", "<Size>", "<LastModified>now<"])
def test_a_page_that_does_not_say_what_it_must_is_none(wrong: str) -> None:
    tag = wrong.partition(">")[0]
    start = S3_PAGE.index(f"{tag}>")
    broken = f"{S3_PAGE[:start]}{wrong}{S3_PAGE[S3_PAGE.index('<', start + 1) + 1 :]}"
    with pytest.raises(ValueError, match=r"Size|XML|now"):
        list(s3_pages.page(broken.format(key="d", truncated="").encode()).stats("p/"))
    with pytest.raises(KeyError):
        s3_pages.page(S3_PAGE.replace("ETag>", "Etag>").encode())
    with pytest.raises(ValueError, match="NextContinuationToken"):
        s3_pages.page(S3_PAGE.format(key="d", truncated="<IsTruncated>true</IsTruncated>").encode()).following(2)


@pytest.mark.parametrize("encoding", ["foo", "hex", "utf-7-and-more", "cp037"])
def test_a_page_in_an_encoding_that_no_parser_knows_is_none(encoding: str) -> None:
    broken = S3_PAGE.replace("UTF-8", encoding).format(key="d", truncated="")
    with pytest.raises(ValueError, match="XML"):
        s3_pages.page(broken.encode())


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_date_that_is_none_in_utc_is_none(date: str) -> None:
    shown = s3_pages.page(S3_PAGE.replace("2026-01-02T05:04:05+02:00", date).format(key="d", truncated="").encode())
    with pytest.raises(ValueError, match="date"):
        list(shown.stats("p/"))


AZURE_PAGE = """<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c"><Blobs>
<Blob><Name>p/a</Name><Properties><Last-Modified>Fri, 02 Jan 2026 03:04:05 GMT</Last-Modified><Etag>0x1</Etag>
<Content-Length>5</Content-Length><Content-Encoding /><Content-MD5>x</Content-MD5></Properties><OrMetadata /></Blob>
<Blob><Name{marked}</Name><Properties><Last-Modified>Fri, 02 Jan 2026 03:04:05 GMT</Last-Modified><Etag>0x2</Etag>
<Content-Length>6</Content-Length><Content-Encoding>gzip</Content-Encoding><Content-MD5 /></Properties></Blob>
</Blobs><NextMarker>m</NextMarker></EnumerationResults>"""


@pytest.mark.parametrize("marked", [">p/b", ' Encoded="true">p%2Fb'], ids=["as a table", "by a parser"])
def test_a_page_of_azure_is_read(marked: str) -> None:
    rest, rows = azure_pages.current(AZURE_PAGE.format(marked=marked).encode())
    assert [(stat.key, stat.size, stat.etag, stat.modified) for stat in azure_pages.stats(rows, "p/")] == [
        ("a", 5, '"0x1"', AT),
        ("b", 6, '"0x2"', AT),
    ]
    assert rest.findtext("NextMarker") == "m"
