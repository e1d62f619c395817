"""One fixture for each provider, and the servers and tokens behind them."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from portable.keys.custody import CustodyIdentity, CustodyRecipient
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.passphrase import PassphraseIdentity, PassphraseRecipient
from portable.keys.pkcs11 import Pkcs11Identity, Pkcs11Recipient
from portable.keys.pkcs11_edge import Pkcs11Access, TokenKey
from portable.keys.transit import TransitIdentity, TransitRecipient
from portable.keys.transit_edge import TransitAccess
from tests.keys.conftest import CHEAP, PASSPHRASE
from tests.keys.providers.provider import Provider
from tests.servers import OpenBao, SoftHSM
from tests.servers.softhsm import LABEL


@pytest.fixture(autouse=True)
def no_services_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep addresses and logins of the machine out of every test."""
    for prefix in ("VAULT", "BAO"):
        for name in ("ADDR", "TOKEN", "ROLE_ID", "SECRET_ID", "CACERT", "NAMESPACE"):
            monkeypatch.delenv(f"{prefix}_{name}", raising=False)


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A Transit service."""
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture(scope="session")
def foreign_openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A Transit service of somebody else."""
    with OpenBao(tmp_path_factory.mktemp("foreign")) as server:
        yield server


@pytest.fixture
def transit_key(openbao: OpenBao) -> str:
    """Name a Transit key that only this test uses."""
    name = f"key-{secrets.token_hex(6)}"
    openbao.transit.create_key(name, key_type="aes256-gcm96")
    return name


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHSM]:
    """A token with a key."""
    with SoftHSM(tmp_path_factory.mktemp("hsm")) as token:
        yield token


@pytest.fixture(scope="session")
def foreign_hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHSM]:
    """A token of somebody else, with the same name and the name of the same key."""
    with SoftHSM(tmp_path_factory.mktemp("foreign")) as token:
        yield token


def passphrase(_: pytest.FixtureRequest) -> Provider:
    return Provider(
        recipient=PassphraseRecipient(PASSPHRASE, CHEAP),
        identity=PassphraseIdentity(PASSPHRASE),
        stranger=PassphraseIdentity("another passphrase"),
        secrets=(PASSPHRASE.encode(),),
    )


def identity_file(request: pytest.FixtureRequest) -> Provider:
    folder: Path = request.getfixturevalue("tmp_path")
    IdentityFile.generate().save(folder / "machine.identity")
    machine = IdentityFile.read(folder / "machine.identity")
    return Provider(
        recipient=IdentityFileRecipient(machine.public_key),
        identity=machine,
        stranger=IdentityFile.generate(),
        secrets=(machine._seed,),
        keeps_seed=False,
    )


def custody(_: pytest.FixtureRequest) -> Provider:
    officers = [IdentityFile.generate() for _ in range(3)]
    return Provider(
        recipient=CustodyRecipient([officer.public_key for officer in officers], threshold=3),
        identity=CustodyIdentity(officers),
        stranger=CustodyIdentity(IdentityFile.generate() for _ in range(3)),
        secrets=tuple(officer._seed for officer in officers),
    )


def transit(request: pytest.FixtureRequest) -> Provider:
    openbao: OpenBao = request.getfixturevalue("openbao")
    name: str = request.getfixturevalue("transit_key")
    access = TransitAccess(openbao.address, token=openbao.root_token)
    foreign: OpenBao = request.getfixturevalue("foreign_openbao")
    foreign.transit.create_key(name, key_type="aes256-gcm96")
    return Provider(
        recipient=TransitRecipient(access, name),
        identity=TransitIdentity(access),
        stranger=TransitIdentity(TransitAccess(foreign.address, token=foreign.root_token)),
        secrets=(openbao.root_token.encode(), foreign.root_token.encode()),
        hints=frozenset({"address"}),
    )


def pkcs11(request: pytest.FixtureRequest) -> Provider:
    hsm: SoftHSM = request.getfixturevalue("hsm")
    foreign: SoftHSM = request.getfixturevalue("foreign_hsm")
    access = Pkcs11Access(hsm.module, hsm.pin)
    return Provider(
        recipient=Pkcs11Recipient(access, TokenKey(token=LABEL, label=LABEL)),
        identity=Pkcs11Identity(access),
        stranger=Pkcs11Identity(Pkcs11Access(foreign.module, foreign.pin)),
        secrets=(hsm.pin.encode(), foreign.pin.encode()),
        hints=frozenset({"module"}),
    )


PROVIDERS = (passphrase, identity_file, custody, transit, pytest.param(pkcs11, marks=pytest.mark.hosts))


@pytest.fixture(params=PROVIDERS, ids=lambda make: make.__name__.replace("_", "-"))
def provider(request: pytest.FixtureRequest) -> Provider:
    """Each provider in turn."""
    made: Provider = request.param(request)
    return made
