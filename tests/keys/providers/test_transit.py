"""OpenBao and Vault: how to log in, what can go wrong there, and what a service has to prove before a seed is left with it."""

import base64
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portable.errors import ConfigurationError, Denied, PortableError, Unavailable, UnlockFailed
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.transit import TransitIdentity, TransitProtector, TransitRecipient
from portable.keys.transit_edge import TransitAccess
from tests.keys.providers.between import Answer, answering, closed, silent
from tests.keys.providers.provider import assert_refused, assert_shows_none_of, saved_keyring
from tests.servers import OpenBao

BINDING = b"/recipient" + bytes(range(32))
PLANTED = "hvs.planted-token"


@pytest.fixture
def access(openbao: OpenBao) -> TransitAccess:
    return TransitAccess(openbao.address, token=openbao.root_token)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


@pytest.fixture
def keyring(file: Path, authority: Authority, access: TransitAccess, transit_key: str) -> Keyring:
    return saved_keyring(file, authority, TransitRecipient(access, transit_key))


@pytest.fixture(scope="module")
def with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("tls"), tls=True) as server:
        yield server


def logged_in(address: str | None, token: str | None = PLANTED, **options: Any) -> TransitIdentity:
    return TransitIdentity(TransitAccess(address, token=token, **options))


def enrolled(access: TransitAccess, key: str, **options: Any) -> TransitProtector:
    _, protector = TransitRecipient(access, key, **options).enroll(BINDING)
    return protector


# What can go wrong when a keyring is opened


def test_a_service_that_is_down(keyring: Keyring, file: Path) -> None:
    identity = logged_in(closed())
    assert_refused(file, keyring, identity, Unavailable, "no answer", [PLANTED.encode()])


def test_a_service_that_never_answers(keyring: Keyring, file: Path) -> None:
    with silent() as address:
        began = time.monotonic()
        assert_refused(file, keyring, logged_in(address, timeout=0.2), Unavailable, "no answer in time")
        assert time.monotonic() - began < 5


def test_a_sealed_service(file: Path, authority: Authority, tmp_path: Path) -> None:
    with OpenBao(tmp_path) as openbao:
        openbao.transit.create_key("key", key_type="aes256-gcm96")
        access = TransitAccess(openbao.address, token=openbao.root_token)
        keyring = saved_keyring(file, authority, TransitRecipient(access, "key"))
        openbao.client.sys.seal()
        assert_refused(file, keyring, TransitIdentity(access), Unavailable, "sealed", [openbao.root_token.encode()])


def test_a_deleted_key(keyring: Keyring, file: Path, openbao: OpenBao, access: TransitAccess, transit_key: str) -> None:
    openbao.transit.update_key_configuration(transit_key, deletion_allowed=True)
    openbao.transit.delete_key(transit_key)
    words = f"transit/{transit_key} at .* does not exist there: it was deleted"
    assert_refused(file, keyring, TransitIdentity(access), UnlockFailed, words)


def test_a_revoked_version(keyring: Keyring, file: Path, openbao: OpenBao, access: TransitAccess, transit_key: str) -> None:
    openbao.transit.rotate_key(transit_key)
    assert keyring.unlock(TransitIdentity(access)).volume("lake")
    openbao.transit.update_key_configuration(transit_key, min_decryption_version=2)
    assert_refused(file, keyring, TransitIdentity(access), UnlockFailed, "revoked")


@pytest.mark.parametrize(("field", "value"), [("mount", "nowhere"), ("namespace", "nowhere")])
def test_a_place_that_is_not_there(access: TransitAccess, transit_key: str, field: str, value: str) -> None:
    protector = msgspec.structs.replace(enrolled(access, transit_key), **{field: value})
    with pytest.raises(UnlockFailed, match="no such Transit engine, key or namespace"):
        TransitIdentity(access).seed(protector, BINDING)


def test_an_expired_token(keyring: Keyring, file: Path, openbao: OpenBao, transit_key: str) -> None:
    token = openbao.token({f"transit/decrypt/{transit_key}": ["update"]}, ttl="1s")
    assert keyring.unlock(logged_in(openbao.address, token)).volume("lake")
    time.sleep(1.5)
    assert_refused(file, keyring, logged_in(openbao.address, token), Denied, "expired, revoked or unknown", [token.encode()])


def test_a_token_that_the_service_does_not_know(keyring: Keyring, file: Path, openbao: OpenBao) -> None:
    identity = logged_in(openbao.address)
    assert_refused(file, keyring, identity, Denied, "expired, revoked or unknown", [PLANTED.encode()])


def test_a_token_without_the_right(keyring: Keyring, file: Path, openbao: OpenBao) -> None:
    token = openbao.token({"transit/decrypt/another": ["update"]})
    identity = logged_in(openbao.address, token)
    assert_refused(file, keyring, identity, Denied, "token is valid, but no policy", [token.encode()])


def test_no_token(keyring: Keyring, file: Path, openbao: OpenBao) -> None:
    assert_refused(file, keyring, logged_in(openbao.address, None), Denied, "set VAULT_TOKEN")


def test_no_address(keyring: Keyring, file: Path, openbao: OpenBao) -> None:
    words = f"set VAULT_ADDR; the keyring says {openbao.address}"
    assert_refused(file, keyring, logged_in(None), UnlockFailed, words)
    with pytest.raises(ConfigurationError, match="set VAULT_ADDR"):
        enrolled(TransitAccess(None), "key")


@pytest.mark.parametrize(
    "address", ["vault.example", "ftp://vault.example", "https://", "https://me:planted-word@vault.example"]
)
def test_an_address_that_is_none(access: TransitAccess, transit_key: str, address: str) -> None:
    protector = enrolled(access, transit_key)
    with pytest.raises(ConfigurationError, match="https://HOST:PORT") as caught:
        logged_in(address).seed(protector, BINDING)
    assert "planted-word" not in str(caught.value)


def test_a_token_does_not_travel_in_clear(access: TransitAccess, transit_key: str) -> None:
    protector = enrolled(access, transit_key)
    with pytest.raises(ConfigurationError, match="in clear"):
        logged_in("http://vault.example:8200").seed(protector, BINDING)


def test_a_missing_library(keyring: Keyring, file: Path, openbao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    words = r"pip install 'portable-storage\[vault\]'"
    assert_refused(file, keyring, logged_in(openbao.address), ConfigurationError, words)


def test_another_recipient_opens_while_the_service_is_down(
    file: Path, authority: Authority, access: TransitAccess, openbao: OpenBao, transit_key: str
) -> None:
    openbao.transit.create_key(f"{transit_key}-gone", key_type="aes256-gcm96")
    recipients = [TransitRecipient(access, f"{transit_key}-gone"), TransitRecipient(access, transit_key)]
    keyring = saved_keyring(file, authority, *recipients)
    token = openbao.token({f"transit/decrypt/{transit_key}": ["update"]})
    assert keyring.unlock(logged_in(openbao.address, token)).volume("lake")


# Logging in


def test_the_environment_says_where_and_how(access: TransitAccess, openbao: OpenBao, transit_key: str) -> None:
    protector = enrolled(access, transit_key)
    elsewhere = {"VAULT_ADDR": closed(), "VAULT_TOKEN": "hvs.other"}
    own = {"ADDR": openbao.address, "TOKEN": openbao.root_token}
    for environ in (
        {f"VAULT_{name}": value for name, value in own.items()},
        {**elsewhere, **{f"BAO_{name}": value for name, value in own.items()}},
    ):
        assert TransitIdentity(TransitAccess.from_environment(environ)).seed(protector, BINDING)
    with pytest.raises(UnlockFailed, match="VAULT_ADDR"):
        TransitIdentity(TransitAccess.from_environment({})).seed(protector, BINDING)


def test_a_token_of_the_machine_is_not_picked_up(
    access: TransitAccess, openbao: OpenBao, transit_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".vault-token").write_text(openbao.root_token)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAULT_TOKEN", openbao.root_token)
    with pytest.raises(Denied, match="no token"):
        logged_in(openbao.address, None).seed(enrolled(access, transit_key), BINDING)


def test_a_job_logs_in_by_approle(access: TransitAccess, openbao: OpenBao, transit_key: str) -> None:
    protector = enrolled(access, transit_key)
    if "approle/" not in openbao.client.sys.list_auth_methods()["data"]:
        openbao.client.sys.enable_auth_method("approle")
    approle, role = openbao.client.auth.approle, f"r-{secrets.token_hex(4)}"
    approle.create_or_update_approle(role, token_policies=[openbao.allow({f"transit/decrypt/{transit_key}": ["update"]})])
    login = {
        "VAULT_ADDR": openbao.address,
        "VAULT_ROLE_ID": approle.read_role_id(role)["data"]["role_id"],
        "VAULT_SECRET_ID": approle.generate_secret_id(role)["data"]["secret_id"],
    }
    assert TransitIdentity(TransitAccess.from_environment(login)).seed(protector, BINDING)
    login["VAULT_SECRET_ID"] = "planted-secret-id"
    with pytest.raises(Denied, match="role id or the secret id") as caught:
        TransitIdentity(TransitAccess.from_environment(login)).seed(protector, BINDING)
    assert_shows_none_of([b"planted-secret-id"], str(caught.value))


def test_https_needs_a_certificate_that_is_trusted(with_tls: OpenBao, tmp_path: Path) -> None:
    with_tls.transit.create_key("key", key_type="aes256-gcm96")
    login = {"VAULT_ADDR": with_tls.address, "VAULT_TOKEN": with_tls.root_token, "VAULT_CACERT": str(with_tls.ca_file)}
    trusting = TransitAccess.from_environment(login)
    protector = enrolled(trusting, "key")
    assert TransitIdentity(trusting).seed(protector, BINDING)
    for wrong, words in ((None, "set VAULT_CACERT"), (tmp_path / "none.pem", "no file of CA certificates")):
        with pytest.raises(ConfigurationError, match=words):
            logged_in(with_tls.address, with_tls.root_token, ca_file=wrong).seed(protector, BINDING)


# Enrolling


def test_enrolling_and_opening_need_these_rights_and_no_others(openbao: OpenBao, transit_key: str) -> None:
    rights = {
        f"transit/keys/{transit_key}": ["read"],
        f"transit/encrypt/{transit_key}": ["update"],
        f"transit/decrypt/{transit_key}": ["update"],
    }
    protector = enrolled(TransitAccess(openbao.address, token=openbao.token(rights)), transit_key)
    opening = openbao.token({f"transit/decrypt/{transit_key}": ["update"]})
    assert logged_in(openbao.address, opening).seed(protector, BINDING)
    for missing in rights:
        without = {path: allowed for path, allowed in rights.items() if path != missing}
        with pytest.raises(Denied, match="no policy"):
            enrolled(TransitAccess(openbao.address, token=openbao.token(without)), transit_key)


@pytest.mark.parametrize(
    "options",
    [{"key_type": "rsa-2048"}, {"key_type": "chacha20-poly1305"}, {"key_type": "aes256-gcm96", "derived": True}],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_a_key_of_another_type_is_refused(access: TransitAccess, openbao: OpenBao, options: dict[str, Any]) -> None:
    name = f"key-{secrets.token_hex(6)}"
    openbao.transit.create_key(name, **options)
    with pytest.raises(ConfigurationError, match="make one of type aes256-gcm96"):
        enrolled(access, name)


def test_enrolling_does_not_make_a_key_that_is_missing(access: TransitAccess, openbao: OpenBao) -> None:
    with pytest.raises(ConfigurationError, match="no such Transit engine, key"):
        enrolled(access, "misspelt")
    assert "misspelt" not in openbao.transit.list_keys()["data"]["keys"]


@pytest.mark.parametrize(
    "names", [{"key_name": "../../sys/seal"}, {"key_name": "a?b"}, {"key_name": ""}, {"mount": "a/../b"}, {"namespace": "é"}]
)
def test_a_name_that_could_lead_elsewhere_is_refused(access: TransitAccess, names: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a Transit"):
        TransitRecipient(access, **{"key_name": "key", **names})
    (field, value), *_ = names.items()
    document = msgspec.to_builtins(enrolled_nowhere())
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**document, field: value}, TransitProtector)


def enrolled_nowhere() -> TransitProtector:
    return TransitProtector(
        address="https://127.0.0.1:1", namespace=None, mount="transit", key_name="key", ciphertext="vault:v1:" + "A" * 80
    )


def passed_on(openbao: OpenBao, method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
    request = urllib.request.Request(  # noqa: S310  # the test's own server
        openbao.address + path,
        data=json.dumps(body).encode() if method == "POST" else None,
        headers={"X-Vault-Token": headers["X-Vault-Token"]},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  # the same
            return response.status, {}, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}, error.read()


@pytest.mark.parametrize("proxy_that", ["drops it", "passes it on"])
def test_a_proxy_that_drops_associated_data_is_found_out(openbao: OpenBao, transit_key: str, proxy_that: str) -> None:
    def answer(method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        if proxy_that == "drops it":
            body.pop("associated_data", None)
        return passed_on(openbao, method, path, headers, body)

    with answering(answer) as proxy:
        access = TransitAccess(proxy.address, token=openbao.root_token)
        if proxy_that == "drops it":
            with pytest.raises(ConfigurationError, match=r"ignores them; nothing was enrolled"):
                enrolled(access, transit_key)
        else:
            assert TransitIdentity(access).seed(enrolled(access, transit_key), BINDING)


def test_a_service_that_gives_back_other_bytes_is_found_out(openbao: OpenBao, transit_key: str) -> None:
    def answer(method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        if "/decrypt/" in path:
            return 200, {}, json.dumps({"data": {"plaintext": base64.b64encode(bytes(32)).decode()}}).encode()
        return passed_on(openbao, method, path, headers, body)

    with answering(answer) as proxy, pytest.raises(PortableError, match="does not give back what it encrypted"):
        enrolled(TransitAccess(proxy.address, token=openbao.root_token), transit_key)


# What answers for the service


def test_a_redirect_takes_the_token_nowhere(openbao: OpenBao, access: TransitAccess, transit_key: str) -> None:
    protector = enrolled(access, transit_key)
    with answering(lambda *_: (200, {}, b"{}")) as thief:
        redirect = {"Location": f"{thief.address}/v1/transit/decrypt/{transit_key}"}
        with answering(lambda *_: (307, redirect, b"")) as standby:
            with pytest.raises(Unavailable, match="redirect"):
                logged_in(standby.address).seed(protector, BINDING)
            assert standby.requests
        assert thief.requests == []


def test_the_address_in_a_protector_is_not_contacted(openbao: OpenBao, access: TransitAccess, transit_key: str) -> None:
    with answering(lambda *_: (200, {}, b"{}")) as thief:
        planted = msgspec.structs.replace(enrolled(access, transit_key), address=thief.address)
        assert TransitIdentity(access).seed(planted, BINDING)
        assert thief.requests == []


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503, 418])
def test_an_answer_that_echoes_the_request_is_not_quoted(status: int, openbao: OpenBao, transit_key: str) -> None:
    def answer(method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        if "/encrypt/" in path:
            return status, {}, json.dumps({"errors": [f"cannot encrypt {body['plaintext']}\nfor {headers}"]}).encode()
        return passed_on(openbao, method, path, headers, body)

    with answering(answer) as proxy:
        with pytest.raises(PortableError) as caught:
            enrolled(TransitAccess(proxy.address, token=openbao.root_token), transit_key)
        seed = base64.b64decode(proxy.requests[-1][2]["plaintext"])
    assert "\n" not in str(caught.value)
    assert_shows_none_of([seed, openbao.root_token.encode()], str(caught.value))


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"null", b"<html>", b'{"data": null}', b'{"data": {"plaintext": 7}}'])
def test_what_is_not_the_service_is_told(access: TransitAccess, transit_key: str, answer: bytes) -> None:
    protector = enrolled(access, transit_key)
    with answering(lambda *_: (200, {}, answer)) as stranger, pytest.raises(Unavailable, match="something else"):
        logged_in(stranger.address).seed(protector, BINDING)


@pytest.mark.parametrize(
    "answer", [b"[]", b"7", b'{"errors": 7}', b'{"errors": [{"code": 7}]}', b'{"errors": "text"}', b"{", b""]
)
@pytest.mark.parametrize("status", [400, 403, 500])
def test_an_error_of_another_shape_is_an_error_of_ours(
    access: TransitAccess, transit_key: str, status: int, answer: bytes
) -> None:
    protector = enrolled(access, transit_key)
    with answering(lambda *_: (status, {}, answer)) as stranger, pytest.raises(PortableError):
        logged_in(stranger.address).seed(protector, BINDING)


# The written page


def test_a_seed_opens_with_one_request_of_the_public_interface(
    access: TransitAccess, openbao: OpenBao, transit_key: str
) -> None:
    document = msgspec.to_builtins(enrolled(access, transit_key))
    assert document.pop("type") == "transit"
    assert document["address"] == openbao.address
    body = {"ciphertext": document["ciphertext"], "associated_data": base64.b64encode(BINDING).decode()}
    path = f"/v1/{document['mount']}/decrypt/{document['key_name']}"
    status, _, answer = passed_on(openbao, "POST", path, {"X-Vault-Token": openbao.root_token}, body)
    assert status == 200
    seed = base64.b64decode(json.loads(answer)["data"]["plaintext"])
    assert seed == TransitIdentity(access).seed(msgspec.convert({"type": "transit", **document}, TransitProtector), BINDING)
