"""Store URLs, read literally."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.location import Location
from portable.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "scheme", "container", "prefix"),
    [
        ("az://lake", "az", "lake", ""),
        ("az://lake/", "az", "lake", ""),
        ("az://$web/a", "az", "$web", "a/"),
        ("az://lake/a/b", "az", "lake", "a/b/"),
        ("az://lake/a/b/", "az", "lake", "a/b/"),
        ("s3://bucket.name/a%20b/c+d#e", "s3", "bucket.name", "a%20b/c+d#e/"),
        ("s3://bucket/a@b:c", "s3", "bucket", "a@b:c/"),
        ("memory://name", "memory", "name", ""),
        ("memory://name/a", "memory", "name", "a/"),
    ],
)
def test_a_url_names_a_container_and_a_prefix(url: str, scheme: str, container: str, prefix: str) -> None:
    location = Location(url)
    assert (location.scheme, location.container, location.prefix) == (scheme, container, prefix)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///data/lake", "/data/lake"),
        ("file:///data/lake/", "/data/lake"),
        ("file:/data/a%20b", "/data/a%20b"),
        ("file://localhost/data", "/data"),
    ],
)
def test_a_file_url_names_a_folder(url: str, path: str) -> None:
    location = Location(url)
    assert (location.scheme, location.container, location.prefix, location.path) == ("file", "", "", Path(path))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "lake",
        "/data",
        "https://account.blob.core.windows.net/lake",
        "az:lake",
        "az://",
        "az:///a",
        "az://UPPER",
        "az://a--b",
        "s3://ab",
        "s3://-bucket",
        "s3://bucket name",
        "s3://bucket//a",
        "s3://bucket/a//b",
        "s3://bucket/a/../b",
        "s3://bucket/./a",
        "memory://",
        "file:data",
        "file://host/data",
        "file:///data/../etc",
        "file:///data\0",
        "fsspec+s3:///",
    ],
)
def test_what_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Location(url)


@pytest.mark.parametrize(
    "url",
    [
        "az://lake?sv=2024&sig=SECRET",
        "s3://AKIA:SECRET@bucket/a",
        "s3://AKIA:SECRET/a",
        "az://lake/a?SECRET",
        "s3://SECRET@bucket",
        "fsspec+s3://AKIA:SECRET/a",
        "fsspec+https://host:8080/a#SECRET",
        "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=SECRET==;EndpointSuffix=core.windows.net",
        "BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=sv=2024&sig=SECRET",
        "az://lake/sv=2024&sig=SECRET",
        "AccountKey=SECRET?",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="env:PREFIX_") as caught:
        Location(url)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["SECRET", "AKIA:SECRET", "SECRET://bucket", "s3://SECRET+key=/a", "az:SECRET", "memory://SECRET+"]
)
def test_what_names_no_store_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Location(url, storage_class="cool")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["fsspec+hdfs://host:8020/a", "fsspec+http://[::1]:80/a", "fsspec+memory://a/b#c", "s3://bucket/sig=a"]
)
def test_ports_and_literal_characters_are_no_credentials(url: str) -> None:
    assert Location(url).url == url


@pytest.mark.parametrize("credentials", ["", "SECRET", "AKIA:SECRET", "profile:", "env:A-B", "env:SECRET!"])
def test_credentials_are_references(credentials: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Location("s3://bucket", credentials=credentials)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "host:9000",
        "ftp://host",
        "https://user:SECRET@host",
        "https://host?sig=SECRET",
        "https://",
        "http://host:0",
        "http://host:65536",
        "http://[:::::]",
        "http://[1.2.3.4]:80",
        "http://a\u2100b",
        "http://h\u00f6st",
        "http://ho\0st",
        "http://host/\x01",
        "http://host/a b",
        "http://host/\n",
        "http://..",
        f"http://{'a' * 64}.example",
        "http://host\\path",
    ],
)
def test_an_endpoint_is_a_plain_url(endpoint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Location("s3://bucket", endpoint=endpoint)
    assert "SECRET" not in str(caught.value)


@given(st.text(st.characters(exclude_characters="?/", exclude_categories=["Cs"]), min_size=1), st.integers(0, 3))
def test_a_prefix_is_literal_and_ends_with_one_slash(segment: str, slashes: int) -> None:
    if segment in (".", ".."):
        return
    assert Location(f"s3://bucket/{segment}{'/' * slashes}").prefix == f"{segment}/"
