"""What the libraries underneath log at DEBUG of keys and tokens: from services that hand them out, and in every form."""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from portable.backends.credentials import s3_credentials
from portable.backends.location import Location
from portable.backends.redaction import redact_logs
from portable.backends.s3_signing import Signers
from tests.hygiene.conftest import Kept
from tests.hygiene.planted import Planted

SECRET: Final = "planted/secret+access/key=="
TOKEN: Final = "planted/session+token/of/a/role=="
ASSERTION: Final = "planted.assertion-of.the-cluster"
SIGN_ON: Final = "planted-token-of-single-sign-on"
ROLE: Final = "role_arn = arn:aws:iam::123456789012:role/lake"
PROFILES: Final = {
    "role": (
        f"{ROLE}\nregion = us-east-1\nsource_profile = user\n"
        f"[profile user]\naws_access_key_id = AK\naws_secret_access_key = {SECRET}"
    ),
    "web identity": f"{ROLE}\nweb_identity_token_file = FOLDER/assertion\nrole_session_name = lake",
    "single sign-on": (
        "sso_start_url = https://start.example\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = lake"
    ),
}


class Service(BaseHTTPRequestHandler):
    """Gives keys that end in an hour: for a POST as the token service does, for a GET as single sign-on does."""

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = "AssumeRoleWithWebIdentity" if "WebIdentity" in form else "AssumeRole"
        keys = f"<AccessKeyId>AK</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>"
        ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._answer(
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
            f"<Credentials>{keys}<Expiration>{ends}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/lake/lake</Arn></AssumedRoleUser>"
            f"</{action}Result></{action}Response>"
        )

    def do_GET(self) -> None:
        ends = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000)
        keys = {"accessKeyId": "AK", "secretAccessKey": SECRET, "sessionToken": TOKEN, "expiration": ends}
        self._answer(json.dumps({"roleCredentials": keys}).replace("/", "\\/"))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an assertion and a session of single sign-on, on a machine that has no other identity."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "assertion").write_text(ASSERTION)
    session = hashlib.sha1(b"https://start.example", usedforsecurity=False).hexdigest()
    (tmp_path / f"{session}.json").write_text(json.dumps({"accessToken": SIGN_ON, "expiresAt": "2099-01-01T00:00:00Z"}))
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for name, value in {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{server.server_address[1]}",
            "AWS_ENDPOINT_URL_SSO": f"http://127.0.0.1:{server.server_address[1]}",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(tmp_path))
        yield tmp_path
        server.shutdown()
        thread.join()


@pytest.fixture
def planted() -> Planted:
    planted = Planted()
    for name, secret in {"secret": SECRET, "token": TOKEN, "assertion": ASSERTION, "sign-on": SIGN_ON}.items():
        planted.plant(name, secret)
    planted.plant("secret in JSON", SECRET.replace("/", "\\/"))
    planted.plant("token in JSON", TOKEN.replace("/", "\\/"))
    return planted


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_keys_that_a_service_hands_out_are_not_logged(profile: str, folder: Path, planted: Planted, kept: Kept) -> None:
    (folder / "config").write_text(f"[profile lake]\n{profile.replace('FOLDER', str(folder))}\n")
    signer = Signers(s3_credentials(Location("s3://bucket", credentials="profile:lake")), url="s3://bucket")()
    assert (signer.secret_access_key, signer.session_token) == (SECRET, TOKEN)
    assert {name for name, _, _ in kept.records} >= {"botocore.parsers", "botocore.endpoint", "urllib3.connectionpool"}
    for name, _, text in kept.records:
        assert planted.found_in(text) == set(), name


@pytest.mark.parametrize(
    "text",
    [
        f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SECRET}</SessionToken>",
        f"b'<SessionToken>{SECRET}</SessionToken>\\n'",
        json.dumps({"secretAccessKey": SECRET, "sessionToken": SECRET}),
        json.dumps({"body": json.dumps({"SecretAccessKey": SECRET, "Token": SECRET})}),
        repr({"WebIdentityToken": SECRET, "url": "https://host"}),
        repr({"x-amz-sso_bearer_token": SECRET.encode(), "X-Aws-Ec2-Metadata-Token": SECRET}),
        repr({"client_secret": [SECRET], "client_assertion": (SECRET,), "refresh_token": SECRET}),
        f"Action=AssumeRoleWithWebIdentity&WebIdentityToken={SECRET}&Version=1",
        f"GET /lake?sv=1&sig={SECRET}&se=2 HTTP/1.1",
        f"copy from https%3A%2F%2Fhost%2Flake%3Fsig%3D{SECRET}",
        f"https://host/?X-Amz-Security-Token={SECRET}&X-Amz-Signature={SECRET}",
        f"CanonicalRequest:\nhost:h\nx-amz-security-token:{SECRET}\n\nhost",
        f"Authorization: Bearer {SECRET}\r\nHost: h",
        repr({"Authorization": f"SharedKey account:{SECRET}", "X-IDENTITY-HEADER": SECRET}),
        f"AccountName=account;AccountKey={SECRET};SharedAccessSignature={SECRET}",
        f"aws_secret_access_key = {SECRET}\naws_session_token={SECRET}",
        f'{{"access_token": "{SECRET}',
    ],
)
def test_a_secret_is_redacted_in_every_form(text: str, kept: Kept) -> None:
    redact_logs()
    secret = Planted()
    secret.plant("secret", SECRET)
    secret.plant("secret in part", SECRET.split("/")[1])
    assert secret.found_in(text)
    logging.getLogger("botocore.made.later").debug("said: %s, %r", text, 1)
    [(_, _, said)] = kept.records
    assert secret.found_in(said) == set()
    assert "***" in said


def test_only_the_libraries_underneath_are_redacted(kept: Kept) -> None:
    redact_logs()
    logging.getLogger("application").debug("sig=%s", "shown")
    logging.getLogger("azurelike").debug("sig=%s", "shown")
    logging.getLogger("azure.core").debug("key=%s of 100%%", "shown")
    assert [text.partition(" {")[0] for _, _, text in kept.records] == ["sig=shown", "sig=shown", "key=shown of 100%"]


def test_a_record_that_cannot_be_formatted_is_left_to_who_formats_it() -> None:
    redact_logs()
    record = logging.getLogger("botocore").makeRecord("botocore", logging.DEBUG, __file__, 1, "%d", ("text",), None)
    assert (record.msg, record.args) == ("%d", ("text",))
