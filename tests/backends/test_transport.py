"""TLS with a private authority, and forward proxies: every verb goes the way that the environment names, and no other."""

import base64
import logging
import pickle
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Backend, Matches
from portable.backends.registry import open_backend
from portable.backends.transport import transport
from portable.errors import ConfigurationError, Denied, PortableError, Unavailable
from tests.backends.every_verb import use_every_verb
from tests.servers.fault_proxy import FaultProxy
from tests.servers.forward_proxy import ForwardProxy

GENERAL = ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PASSWORD = "planted-password-of-the-proxy"


@pytest.fixture(autouse=True)
def no_general_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's authorities and proxies out."""
    for name in (
        *GENERAL,
        *(each for way in ("HTTP", "HTTPS", "ALL", "NO") for each in (f"{way}_PROXY", f"{way}_proxy".lower())),
    ):
        monkeypatch.delenv(name, raising=False)


@dataclass
class Place:
    """An empty container at a real server, and how to open it."""

    url: str
    server_endpoint: str

    def open(self, endpoint: str, bound: float = 20.0) -> Backend:
        return open_backend(Location(self.url, endpoint=endpoint, credentials="env:WAY_"), bound=bound)


@pytest.fixture(params=["s3", "azure"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    server = request.getfixturevalue("seaweedfs" if request.param == "s3" else "azurite")
    name = request.getfixturevalue("bucket" if request.param == "s3" else "container")
    for variable, value in server.env("WAY_").items():
        monkeypatch.setenv(variable, value)
    return Place(f"{'s3' if request.param == 's3' else 'az'}://{name}", server.endpoint)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """Write a file of two authorities, ours the second."""
    path = tmp_path / "authorities.pem"
    for ca in (trustme.CA(), authority):
        ca.cert_pem.write_to_path(str(path), append=True)
    return str(path)


@pytest.fixture
def secured(place: Place, authority: trustme.CA) -> Iterator[FaultProxy]:
    """The server behind TLS, with a certificate of the private authority for its address."""
    with FaultProxy(place.server_endpoint, tls=certified(authority, "127.0.0.1")) as proxy:
        yield proxy


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_every_verb_over_tls(place: Place, secured: FaultProxy, bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAY_CA_BUNDLE", bundle)
    use_every_verb(place.open(secured.endpoint))
    assert not any("x-amz-trailer" in exchange.headers for exchange in secured.seen())


def calls(backend: Backend) -> tuple[Callable[[], object], ...]:
    return (
        lambda: backend.get("key"),
        lambda: backend.stat("key"),
        lambda: backend.put("key", b"data"),
        lambda: backend.put("key", b"data", expect=ABSENT),
        lambda: backend.delete("key"),
        lambda: backend.delete("key", expect=Matches('"1"')),
        lambda: backend.begin("key").part(0, b"data"),
        lambda: list(backend.list()),
        lambda: list(backend.inventory()),
    )


@pytest.mark.parametrize("bundle_of", ["nobody", "another"])
def test_an_untrusted_certificate_is_named_at_once(
    place: Place, secured: FaultProxy, bundle_of: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bundle_of == "another":
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
        monkeypatch.setenv("WAY_CA_BUNDLE", str(tmp_path / "other.pem"))
    with closing(place.open(secured.endpoint)) as backend:
        for call in calls(backend):
            began = time.monotonic()
            with pytest.raises(ConfigurationError, match=r"certificate is not trusted.*CA_BUNDLE"):
                call()
            assert time.monotonic() - began < 3.0
    assert secured.log == []


def test_a_certificate_for_another_name_is_refused(
    place: Place, authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAY_CA_BUNDLE", bundle)
    elsewhere = certified(authority, "elsewhere.example")
    with FaultProxy(place.server_endpoint, tls=elsewhere) as proxy, closing(place.open(proxy.endpoint)) as backend:
        for call in calls(backend):
            with pytest.raises(ConfigurationError, match="certificate"):
                call()
        assert proxy.log == []


@pytest.fixture
def forward() -> Iterator[ForwardProxy]:
    with ForwardProxy("user", PASSWORD) as proxy:
        yield proxy


@pytest.fixture(params=["http", "https"])
def endpoint(request: pytest.FixtureRequest, place: Place) -> str:
    """The server's address, in clear and behind TLS; for the latter the authority is in the environment."""
    if request.param == "http":
        return place.server_endpoint
    secured: FaultProxy = request.getfixturevalue("secured")
    request.getfixturevalue("monkeypatch").setenv("WAY_CA_BUNDLE", request.getfixturevalue("bundle"))
    return secured.endpoint


@pytest.mark.parametrize("variable", ["WAY_PROXY", "HTTPS_PROXY and HTTP_PROXY"])
def test_every_verb_goes_through_the_proxy(
    place: Place, endpoint: str, forward: ForwardProxy, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:  # and not while the server's own client cleans up
        for name in variable.split(" and "):
            patched.setenv(name, forward.url)
        use_every_verb(place.open(endpoint))
    if endpoint.startswith("https:"):
        assert {line.split()[:2] == ["CONNECT", urlsplit(endpoint).netloc] for line in forward.lines} == {True}
        assert forward.lines
    else:
        assert {line.split()[0] for line in forward.lines} >= {"GET", "PUT", "DELETE"}
    assert forward.refused == 0


@pytest.mark.parametrize("way", ["none", "NO_PROXY"])
def test_no_verb_goes_through_a_proxy_that_is_not_for_it(
    place: Place, endpoint: str, forward: ForwardProxy, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            patched.setenv(name, forward.url)
        patched.setenv(*(("WAY_PROXY", "none") if way == "none" else ("NO_PROXY", "example.org, 127.0.0.0/8")))
        use_every_verb(place.open(endpoint))
    assert (forward.lines, forward.refused) == ([], 0)


def test_the_password_of_the_proxy_is_shown_nowhere(
    place: Place, endpoint: str, forward: ForwardProxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for password in (f"{PASSWORD}-which-is-wrong", PASSWORD):
        monkeypatch.setenv("WAY_PROXY", forward.url.replace(PASSWORD, password))
        backend = place.open(endpoint, bound=1.0)
        shown = [repr(backend)]
        for call in calls(backend):
            try:
                call()
            except PortableError as error:
                shown += [str(error), repr(error), repr(error.__cause__)]
        backend.close()
    assert forward.refused
    assert forward.lines
    shown += [f"{record.getMessage()} {record.args}" for record in caplog.records]
    assert not [text for text in shown if PASSWORD in text or base64.b64encode(f"user:{PASSWORD}".encode()).decode() in text]


def test_a_proxy_that_refuses_is_an_error_within_the_bound(
    place: Place, forward: ForwardProxy, secured: FaultProxy, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAY_CA_BUNDLE", bundle)
    monkeypatch.setenv("WAY_PROXY", forward.url.replace(PASSWORD, "wrong"))
    backend = place.open(secured.endpoint, bound=0.6)
    for call in calls(backend):
        began = time.monotonic()
        with pytest.raises((Denied, Unavailable)):  # a vendor's client does not tell which
            call()
        assert time.monotonic() - began < 2.0
    with pytest.raises(Denied, match="the proxy wants other credentials"):
        backend.get("key")
    backend.close()


def test_a_transport_neither_prints_nor_pickles_the_password() -> None:
    found = transport("https://host", {"X_PROXY": f"http://user:{PASSWORD}@proxy:1"}, prefix="X_")
    assert PASSWORD in (found.proxy or "")
    assert PASSWORD not in repr(found)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(found)


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"X_PROXY": "http://own:1", "HTTPS_PROXY": "http://general:1"}, "http://own:1"),
        ({"X_PROXY": "none", "HTTPS_PROXY": "http://general:1"}, None),
        ({"X_PROXY": "NONE", "HTTPS_PROXY": "http://general:1"}, None),
        ({"X_PROXY": "http://user:p%2Fw@own:1/"}, "http://user:p%2Fw@own:1/"),
        ({"PROXY": "http://stray:1"}, None),
        ({"HTTP_PROXY": "http://general:1"}, None),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"}, "http://lower:1"),
        ({"HTTPS_PROXY": "general:1"}, "http://general:1"),
        ({"HTTPS_PROXY": "http://general:1", "NO_PROXY": "other.example"}, "http://general:1"),
        ({"HTTPS_PROXY": "http://general:1", "NO_PROXY": "a,eu.example"}, None),
        ({"HTTPS_PROXY": "http://general:1", "no_proxy": ".example"}, None),
        ({"HTTPS_PROXY": "http://general:1", "NO_PROXY": "s3.eu.example:443"}, None),
        ({"HTTPS_PROXY": "http://general:1", "NO_PROXY": "s3.eu.example:9000"}, "http://general:1"),
        ({"HTTPS_PROXY": "http://general:1", "NO_PROXY": "u.example"}, "http://general:1"),
        ({"HTTPS_PROXY": "http://general:1", "NO_PROXY": "*"}, None),
    ],
)
def test_the_proxy_of_an_endpoint(environment: dict[str, str], proxy: str | None) -> None:
    assert transport("https://s3.eu.example", environment, prefix="X_").proxy == proxy


@pytest.mark.parametrize(
    ("excluded", "direct"), [("10.0.0.0/8", True), ("10.1.2.3", True), ("192.168.0.0/16", False), ("::1", False)]
)
def test_networks_are_reached_directly(excluded: str, direct: bool) -> None:  # noqa: FBT001
    environment = {"HTTP_PROXY": "http://general:1", "NO_PROXY": excluded}
    assert (transport("http://10.1.2.3:9000", environment).proxy is None) is direct


@pytest.mark.parametrize(
    "url",
    [
        *("https://proxy:1", "socks5://proxy:1", "http://", "http://proxy:port", "http://proxy:0", "http://[", "hidden@"),
        *("http://user:12/hidden@proxy:9", "user:12/hidden@proxy:9", "http://user:12?hidden@proxy:9", "http://a:1#hidden"),
        *(" ", "direct", "http://hidden proxy:1", "http://proxy:1\n"),
    ],
)
def test_what_is_no_proxy_is_named_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="X_PROXY") as caught:
        transport("https://host", {"X_PROXY": url}, prefix="X_")
    assert "hidden" not in str(caught.value)


def test_the_authorities_of_an_endpoint(bundle: str, tmp_path: Path) -> None:
    general = tmp_path / "general.pem"
    general.write_bytes(Path(bundle).read_bytes())
    environment = {"X_CA_BUNDLE": bundle, "SSL_CERT_FILE": str(general)}
    assert transport("https://host", environment, prefix="X_").ca_bundle == bundle
    assert transport("https://host", environment, prefix="Y_").ca_bundle == str(general)
    assert transport("https://host", environment, prefix="Y_", configured=("profile", bundle)).ca_bundle == bundle
    assert transport("https://host", {"AWS_CA_BUNDLE": bundle}).ca_bundle is None
    assert transport("https://host", {}).ca_bundle is None


def test_a_file_that_only_looks_like_authorities_is_named_before_anything_is_sent(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle.pem"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("WAY_CA_BUNDLE", str(path))
    with closing(place.open(place.server_endpoint.replace("http:", "https:"))) as backend:
        for call in (lambda: backend.get("key"), lambda: backend.put("key", b"data"), lambda: list(backend.list())):
            with pytest.raises(ConfigurationError, match=f"WAY_CA_BUNDLE names a file whose certificates.*{path}"):
                call()


@pytest.mark.parametrize("content", [None, b"", b"not PEM"])
def test_a_file_without_authorities_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"X_CA_BUNDLE.*{path}"):
        transport("https://host", {"X_CA_BUNDLE": str(path)}, prefix="X_")
