"""Identities that a platform gives to its machines, in place of keys: from stubs of the services that hand them out."""

import base64
import json
import logging
import os
import ssl
import stat
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs

import pytest
import trustme

from portable.backends.credentials import s3_credentials
from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.errors import ConfigurationError, PortableError
from tests.backends.every_verb import use_every_verb
from tests.servers import Azurite, Moto, SeaweedFS

HEADER = "planted-header-of-the-identity-endpoint"


class TokenService(ThreadingHTTPServer):
    """Answers every request with one document, and keeps the requests' headers."""

    daemon_threads = True

    def __init__(self) -> None:
        self.document: dict[str, object] = {}
        self.status = 200
        self.asked: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/token"


class _Answering(BaseHTTPRequestHandler):
    server: TokenService

    def do_GET(self) -> None:
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        text = json.dumps(self.server.document).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[TokenService]:
    with TokenService() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class AuthorityService(ThreadingHTTPServer):
    """An authority of OpenID Connect, over TLS: it describes itself, and gives an access token for any assertion."""

    daemon_threads = True

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        self.exchanged: list[dict[str, list[str]]] = []
        super().__init__(("127.0.0.1", 0), _Exchanging)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Exchanging(BaseHTTPRequestHandler):
    server: AuthorityService

    def do_GET(self) -> None:
        tenant = f"{self.server.url}/tenant"
        self._answer(
            {
                "issuer": f"{tenant}/v2.0",
                "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
                "token_endpoint": f"{tenant}/oauth2/v2.0/token",
            }
        )

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.exchanged.append(parse_qs(form))
        self._answer({"token_type": "Bearer", "expires_in": 3600, "access_token": access_token()[0]})

    def _answer(self, document: dict[str, object]) -> None:
        text = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def no_identity_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_", "IDENTITY_", "MSI_")) or name.endswith("CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An account that takes access tokens, which it does over TLS alone."""
    folder, authority = tmp_path_factory.mktemp("azurite-tls"), trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(folder / "certificate.pem"), append=True)
    certificate = (folder / "certificate.pem", folder / "key.pem")
    with Azurite(folder, certificate=certificate, authority=folder / "authority.pem") as server:
        yield server


def access_token(lifetime: float = 3600) -> tuple[str, int]:
    """Return a token in the form of Microsoft's, signed by nobody, and when it ends."""
    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/tenant/", "iat": now, "nbf": now - 60}
    claims["exp"] = now + int(lifetime)
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"planted-signature-of-nobody")]
    return ".".join(encoded), now + int(lifetime)


@pytest.fixture
def managed(secured: Azurite, service: TokenService, monkeypatch: pytest.MonkeyPatch) -> Location:
    """A container, and a managed identity as Azure's App Service gives it."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", service.url)
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.authority))
    token, ends = access_token()
    service.document = {"access_token": token, "expires_on": str(ends), "resource": "storage", "token_type": "Bearer"}
    return Location(f"az://{secured.make_container()}", account=secured.account, endpoint=secured.endpoint)


def test_a_managed_identity_of_azure_uses_every_verb(
    managed: Location, secured: Azurite, service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    backend = open_backend(managed, bound=20.0)
    use_every_verb(backend)
    assert {headers["x-identity-header"] for headers in service.asked} == {HEADER}
    assert len(service.asked) <= 2  # a token is used until it ends
    said = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert secured.requests()  # all that was asked for stands in the host's log now, with its URLs
    written = (secured.data.parent / "azurite.log").read_text()
    for secret in (HEADER, str(service.document["access_token"])):
        assert secret not in said + repr(backend) + written


def test_an_identity_is_refused_where_its_tokens_would_be_sent_without_tls(managed: Location, service: TokenService) -> None:
    with pytest.raises(ConfigurationError, match=r"az://.*https://"):
        open_backend(replace(managed, endpoint="http://127.0.0.1:9/account"), bound=2.0)
    assert service.asked == []


@pytest.mark.parametrize("status", [400, 500])
def test_an_identity_that_cannot_be_had_is_an_error_of_ours(managed: Location, service: TokenService, status: int) -> None:
    service.status, service.document = status, {"error": "invalid_request", "error_description": HEADER}
    backend = open_backend(managed, bound=2.0)
    for call in (
        lambda: backend.get("key"),
        lambda: backend.put("key", b"data"),
        lambda: list(backend.list()),
        lambda: backend.delete("key"),
        lambda: backend.begin("key").part(0, b"data"),
    ):
        with pytest.raises(PortableError) as caught:
            call()
        assert HEADER not in f"{caught.value} {caught.value.__cause__!r}"
    backend.close()


def test_a_workload_identity_of_azure_uses_every_verb(
    secured: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What Kubernetes gives to a pod: a signed file, exchanged for access tokens at the authority."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text("planted-assertion-of-the-cluster")
    assert secured.authority is not None
    with AuthorityService(secured.certificate) as authority:
        for name, value in {
            "AZURE_AUTHORITY_HOST": authority.url,
            "AZURE_TENANT_ID": "tenant",
            "AZURE_CLIENT_ID": "client",
            "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
            "REQUESTS_CA_BUNDLE": str(secured.authority),
            "SSL_CERT_FILE": str(secured.authority),
        }.items():
            monkeypatch.setenv(name, value)
        backend = open_backend(
            Location(f"az://{secured.make_container()}", account=secured.account, endpoint=secured.endpoint), bound=20.0
        )
        use_every_verb(backend)
        [asked] = authority.exchanged  # a token is used until it ends
    assert asked["client_assertion"] == ["planted-assertion-of-the-cluster"]
    assert asked["scope"] == ["https://storage.azure.com/.default"]
    said = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "planted-assertion" not in said + repr(backend)


def test_a_program_that_gives_keys_serves_a_profile(
    seaweedfs: SeaweedFS, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`credential_process`: what single sign-on and vaults use."""
    count = tmp_path / "asked"
    program = tmp_path / "keys.py"
    keys = {"Version": 1, "AccessKeyId": seaweedfs.access_key, "SecretAccessKey": seaweedfs.secret_key}
    keys["Expiration"] = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    program.write_text(f"open({str(count)!r}, 'a').write('x')\nprint({json.dumps(keys)!r})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config").write_text(
        f"[profile lake]\nregion = us-east-1\nendpoint_url = {seaweedfs.endpoint}\n"
        f"credential_process = {sys.executable} {program}\n"
    )
    use_every_verb(open_backend(Location(f"s3://{bucket}", credentials="profile:lake"), bound=20.0))
    assert len(count.read_text()) <= 2


def test_a_container_is_given_its_keys(service: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint that ECS and EKS give to a container, in the default chain."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", HEADER)
    ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    service.document = {"AccessKeyId": "AK", "SecretAccessKey": "SECRET", "Token": "TOKEN", "Expiration": ends}
    found = s3_credentials(Location("s3://bucket"))
    pair = found.session.get_credentials().get_frozen_credentials()
    assert (pair.access_key, pair.secret_key, pair.token) == ("AK", "SECRET", "TOKEN")
    assert service.asked[0]["authorization"] == HEADER
    assert "SECRET" not in repr(found)


def test_a_pod_is_given_keys_for_its_role(moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Kubernetes gives to a pod: a signed file, exchanged for keys that end, by AssumeRoleWithWebIdentity."""
    (tmp_path / "token").write_text(access_token()[0])
    for name, value in {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/lake",
        "AWS_ENDPOINT_URL_STS": moto.endpoint,
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    pair = s3_credentials(Location("s3://bucket")).session.get_credentials().get_frozen_credentials()
    assert pair.access_key.startswith("ASIA")
    assert pair.token
