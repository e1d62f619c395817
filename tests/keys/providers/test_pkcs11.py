"""PKCS#11 tokens: what can go wrong with libraries, tokens, PINs and keys."""

import hashlib
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.errors import ConfigurationError, Denied, PortableError, Unavailable, UnlockFailed
from portable.keys import pkcs11_edge
from portable.keys.authority import Authority
from portable.keys.pkcs11 import Pkcs11Identity, Pkcs11Protector, Pkcs11Recipient
from portable.keys.pkcs11_edge import Pkcs11Access, TokenKey
from tests.keys.providers.provider import assert_refused, saved_keyring
from tests.servers import SoftHSM
from tests.servers.softhsm import LABEL

BINDING = b"/recipient" + bytes(range(32))
KEY = TokenKey(token=LABEL, label=LABEL)
PLANTED = Pkcs11Protector(
    module="/opt/token.so", key=KEY, salt=bytes(32), commitment=bytes(32), nonce=bytes(12), wrapped_seed=bytes(48)
)


@pytest.fixture
def access(hsm: SoftHSM) -> Pkcs11Access:
    return Pkcs11Access(hsm.module, hsm.pin)


@pytest.fixture
def label(hsm: SoftHSM) -> str:
    """A key in the token that only this test uses."""
    name = f"key-{secrets.token_hex(4)}"
    hsm.make_key(name, identifier=b"\7")
    return name


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every PIN that is sent to a token."""
    sent: list[str] = []
    find = pkcs11_edge._token

    class Counted:
        def __init__(self, token: Any) -> None:
            self._token = token

        def open(self, user_pin: str) -> Any:
            sent.append(user_pin)
            return self._token.open(user_pin=user_pin)

    monkeypatch.setattr(pkcs11_edge, "_token", lambda module, name: Counted(find(module, name)))
    return sent


def enrolled(access: Pkcs11Access, key: TokenKey = KEY) -> Pkcs11Protector:
    _, protector = Pkcs11Recipient(access, key).enroll(BINDING)
    return protector


# Without a token


def test_no_library_is_named() -> None:
    nothing = Pkcs11Access.from_environment({})
    with pytest.raises(UnlockFailed, match=r"set PORTABLE_PKCS11_MODULE; the keyring says /opt/token\.so"):
        Pkcs11Identity(nothing).seed(PLANTED, BINDING)
    with pytest.raises(ConfigurationError, match="set PORTABLE_PKCS11_MODULE"):
        enrolled(nothing)


@pytest.mark.parametrize("module", ["token.so", "/nowhere/token.so", "/"])
def test_a_library_that_is_not_there(module: str) -> None:
    with pytest.raises(ConfigurationError, match="not the absolute path of a PKCS#11 library"):
        Pkcs11Identity(Pkcs11Access(Path(module), "1234")).seed(PLANTED, BINDING)


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "token.so").write_bytes(b"text")
    with pytest.raises(ConfigurationError, match="cannot be loaded as a PKCS#11 library"):
        Pkcs11Identity(Pkcs11Access(tmp_path / "token.so", "1234")).seed(PLANTED, BINDING)


def test_python_pkcs11_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'portable-storage\[hsm\]'"):
        Pkcs11Identity(Pkcs11Access(Path("/opt/token.so"), "1234")).seed(PLANTED, BINDING)


@pytest.mark.parametrize("names", [{"token": ""}, {"token": "t" * 33}, {"label": ""}, {"label": "l" * 129}, {"id": b""}])
def test_a_name_that_no_key_has_is_refused(names: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="no token holds a key"):
        Pkcs11Recipient(Pkcs11Access(None, None), TokenKey(**{"token": LABEL, "label": LABEL, **names}))


def test_the_pin_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("from a file\n")
    for environ, pin in (
        ({"PORTABLE_PKCS11_PIN": "1234"}, "1234"),
        ({"PORTABLE_PKCS11_PIN_FILE": str(tmp_path / "pin")}, "from a file"),
        ({}, None),
    ):
        assert Pkcs11Access.from_environment(environ)._pin == pin


# With one


@pytest.mark.hosts
def test_a_token_that_is_absent(hsm: SoftHSM, access: Pkcs11Access) -> None:
    absent = msgspec.structs.replace(PLANTED, key=TokenKey(token="absent", label=LABEL))
    with pytest.raises(UnlockFailed, match=r"no token 'absent' is present .* plug it in"):
        Pkcs11Identity(access).seed(absent, BINDING)


@pytest.mark.hosts
def test_a_wrong_pin_is_sent_once(
    hsm: SoftHSM, access: Pkcs11Access, logins: list[str], tmp_path: Path, authority: Authority
) -> None:
    file = tmp_path / "keyring.json"
    keyring = saved_keyring(file, authority, Pkcs11Recipient(access, KEY), Pkcs11Recipient(access, KEY))
    logins.clear()
    wrong = Pkcs11Identity(Pkcs11Access(hsm.module, "planted-pin"))
    assert_refused(file, keyring, wrong, Denied, "refuses the PIN, which is not sent again", [b"planted-pin"])
    with pytest.raises(Denied, match="not sent again"):
        keyring.unlock(Pkcs11Identity(Pkcs11Access(hsm.module, "planted-pin")))
    assert logins == ["planted-pin"]
    assert keyring.unlock(Pkcs11Identity(access)).volume("lake")


@pytest.mark.hosts
@pytest.mark.parametrize(("pin", "words"), [(None, "set PORTABLE_PKCS11_PIN"), ("x" * 300, "refuses the PIN")])
def test_a_pin_that_cannot_be_right(hsm: SoftHSM, pin: str | None, words: str) -> None:
    with pytest.raises(Denied, match=words):
        Pkcs11Identity(Pkcs11Access(hsm.module, pin)).seed(PLANTED, BINDING)


@pytest.mark.hosts
def test_a_deleted_key(hsm: SoftHSM, access: Pkcs11Access, label: str, tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "keyring.json"
    keyring = saved_keyring(file, authority, Pkcs11Recipient(access, TokenKey(token=LABEL, label=label)))
    hsm.remove_key(label)
    identity = Pkcs11Identity(access)
    assert_refused(file, keyring, identity, UnlockFailed, f"no key '{label}' in token 'portable'", [hsm.pin.encode()])


@pytest.mark.hosts
def test_a_token_of_somebody_else_has_another_key(access: Pkcs11Access, foreign_hsm: SoftHSM) -> None:
    with pytest.raises(UnlockFailed, match="another one than was enrolled"):
        Pkcs11Identity(Pkcs11Access(foreign_hsm.module, foreign_hsm.pin)).seed(enrolled(access), BINDING)


@pytest.mark.hosts
def test_a_key_that_can_be_taken_out_is_refused(hsm: SoftHSM, access: Pkcs11Access) -> None:
    hsm.make_key("extractable", extractable=True)
    with pytest.raises(ConfigurationError, match="can be taken out"):
        enrolled(access, TokenKey(token=LABEL, label="extractable"))


@pytest.mark.hosts
def test_a_key_of_another_type_is_refused(hsm: SoftHSM, access: Pkcs11Access) -> None:
    hsm.make_aes_key("aes")
    with pytest.raises(ConfigurationError, match="cannot make HMAC-SHA256"):
        enrolled(access, TokenKey(token=LABEL, label="aes"))


@pytest.mark.hosts
def test_one_of_two_keys_of_a_name_needs_its_id(hsm: SoftHSM, access: Pkcs11Access, label: str) -> None:
    hsm.make_key(label, identifier=b"\x08")
    with pytest.raises(ConfigurationError, match="give the id too"):
        enrolled(access, TokenKey(token=LABEL, label=label))
    seeds = {
        Pkcs11Identity(access).seed(enrolled(access, TokenKey(token=LABEL, label=label, id=identifier)), BINDING)
        for identifier in (b"\7", b"\x08")
    }
    assert len(seeds) == 2


@pytest.mark.hosts
def test_a_session_of_this_process_elsewhere_is_told(hsm: SoftHSM, access: Pkcs11Access) -> None:
    protector = enrolled(access)
    with hsm._session(), pytest.raises(Unavailable, match="another session"):
        Pkcs11Identity(access).seed(protector, BINDING)
    assert Pkcs11Identity(access).seed(protector, BINDING)


@pytest.mark.hosts
def test_threads_wait_for_each_other(access: Pkcs11Access, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two logins at once would make a token call a right PIN wrong."""
    protector, open_now, most = enrolled(access), 0, 0
    counting, find = threading.Lock(), pkcs11_edge._find

    def counted(session: Any, name: TokenKey) -> Any:
        nonlocal open_now, most
        with counting:
            open_now += 1
            most = max(most, open_now)
        try:
            return find(session, name)
        finally:
            with counting:
                open_now -= 1

    monkeypatch.setattr(pkcs11_edge, "_find", counted)
    with ThreadPoolExecutor(8) as threads:
        seeds = list(threads.map(lambda _: Pkcs11Identity(access).seed(protector, BINDING), range(32)))
    assert len(set(seeds)) == most == 1


@pytest.mark.hosts
def test_the_library_in_a_protector_is_not_loaded(access: Pkcs11Access, tmp_path: Path) -> None:
    planted = msgspec.structs.replace(enrolled(access), module=str(tmp_path / "planted.so"))
    assert Pkcs11Identity(access).seed(planted, BINDING)


@pytest.mark.hosts
def test_a_failure_inside_of_a_session_ends_it(access: Pkcs11Access) -> None:
    with pytest.raises(PortableError):
        enrolled(access, TokenKey(token=LABEL, label="none"))
    assert enrolled(access)


@pytest.mark.hosts
def test_a_protector_opens_from_the_page(hsm: SoftHSM, access: Pkcs11Access) -> None:
    protector = enrolled(access)
    wrap, commit = (
        hsm.hmac_sha256(LABEL, b"portable/v1/pkcs11/" + use + b"\0" + protector.salt + BINDING) for use in (b"wrap", b"commit")
    )
    assert len(wrap) == hashlib.sha256().digest_size
    assert commit == protector.commitment
    seed = AESGCM(wrap).decrypt(protector.nonce, protector.wrapped_seed, b"portable/v1/pkcs11/wrap\0" + BINDING)
    assert Pkcs11Identity(access).seed(protector, BINDING) == seed
