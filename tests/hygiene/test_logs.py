"""Log records and errors of everything that talks to a host, with the credentials of the hosts and the keys of the volume.

Promised of log records: at INFO and above none shows a secret, whichever logger it comes from; at DEBUG neither the package nor
any library shows a key, a token or a signature.

Promised of errors: neither text nor arguments nor notes of an error, nor of any error it came from, shows a secret. Not
promised: the local variables of a traceback, where Python keeps the keys that the code works with.
"""

import logging
import os
import traceback
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from portable import open_volume
from portable.backends.location import Location
from portable.backends.protocol import ABSENT
from portable.backends.registry import open_backend
from portable.errors import PortableError
from portable.volume import Volume
from tests.attacks.ledger import Ledger, record
from tests.hygiene.conftest import PASSPHRASE, Custody, Kept
from tests.hygiene.planted import Planted
from tests.servers import Azurite, SeaweedFS

WRONG_TOKEN = "planted-session-token-of-s3"


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Record the keys of every message."""
    return record(monkeypatch)


@pytest.fixture
def planted(custody: Custody, seaweedfs: SeaweedFS, azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Plant the keys of the volume and the credentials of both hosts."""
    planted = Planted(dict(custody.planted.secrets))
    reader = azurite.reader_env("SAS_")
    text = f"AccountName={azurite.account};AccountKey={azurite.account_key};BlobEndpoint={azurite.endpoint}"
    given = seaweedfs.env("S3_") | azurite.env("KEY_") | reader | {"TEXT_AZURE_STORAGE_CONNECTION_STRING": text}
    given |= seaweedfs.env("TOKEN_") | {"TOKEN_AWS_SESSION_TOKEN": WRONG_TOKEN, "PORTABLE_PASSPHRASE": PASSPHRASE}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    planted.plant("secret of S3", seaweedfs.secret_key)
    planted.plant("key of Azure", azurite.account_key)
    planted.plant("session token", WRONG_TOKEN)
    planted.plant("SAS", urllib.parse.parse_qs(reader["SAS_AZURE_STORAGE_SAS_TOKEN"])["sig"][0])
    planted.plant("connection string", text)
    return planted


def attempt(errors: list[BaseException], call: Callable[[], object]) -> None:
    """Make the call, and keep its error."""
    try:
        call()
    except (PortableError, ValueError) as error:
        errors.append(error)


def use(volume: Volume, errors: list[BaseException]) -> None:
    """Use every verb, on keys that are there, are not, are altered and cannot be."""
    backend, part = volume.backend, volume.backend.capabilities.part_size

    def abandoned() -> None:
        upload = backend.begin("abandoned")
        upload.part(0, b"part")
        upload.abort()

    for call in (
        lambda: volume.write("a", b"data"),
        lambda: volume.write("a", b"data", expect=ABSENT),
        lambda: volume.write("large", bytes(part + 1)),
        lambda: volume.read("a"),
        lambda: volume.read("missing"),
        lambda: volume.read("awkward/"),
        lambda: volume.write("awkward/", b""),
        lambda: backend.put("altered", b"clear text " * 100),
        lambda: volume.read("altered"),
        lambda: backend.get("a", if_match='"other"'),
        lambda: list(volume.list()),
        lambda: list(backend.inventory()),
        abandoned,
        lambda: volume.delete("a"),
    ):
        attempt(errors, call)


def everywhere(custody: Custody, bucket: str, container: str, seaweedfs: SeaweedFS) -> list[BaseException]:
    """Use both hosts with every kind of credentials, and a host that is not there; return the errors."""
    errors: list[BaseException] = []
    keys = custody.unlocked.volume("lake")
    locations = [
        Location(f"s3://{bucket}", credentials="env:S3_"),
        Location(f"s3://{bucket}", credentials="env:TOKEN_"),
        Location("s3://no-such-bucket", credentials="env:S3_"),
        Location(f"az://{container}", credentials="env:KEY_"),
        Location(f"az://{container}", credentials="env:SAS_"),
        Location(f"az://{container}", credentials="env:TEXT_"),
        Location("az://no-such-container", credentials="env:SAS_"),
    ]
    for location in locations:
        backend = open_backend(location, bound=10.0)
        use(Volume(backend, keys), errors)
        backend.close()
    for credentials in ("env:S3_", "env:NOBODY_", "profile:nobody", seaweedfs.secret_key):
        nowhere = {"endpoint": "http://127.0.0.1:9", "credentials": credentials}
        attempt(errors, lambda nowhere=nowhere: open_backend(Location("s3://bucket", **nowhere), bound=0.5).get("a"))
    reached = {"keyring": custody.path, "volume": "lake", "credentials": "env:S3_"}
    opened = open_volume(f"s3://{bucket}", **reached)
    attempt(errors, lambda: open_volume(f"s3://{bucket}", **reached | {"volume": "unknown"}))
    attempt(errors, lambda: opened.write("b", b"data"))
    opened.close()
    return errors


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and every error that it came from, whether Python would print it or not."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [found.__cause__, found.__context__]


def shown(planted: Planted, said: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """Return who said which secret."""
    return {(who, secret) for who, texts in said.items() for secret in planted.found_in("\n".join(texts))}


def test_neither_logs_nor_errors_show_a_secret(
    custody: Custody, planted: Planted, ledger: Ledger, kept: Kept, bucket: str, container: str, seaweedfs: SeaweedFS
) -> None:
    errors = everywhere(custody, bucket, container, seaweedfs)
    for number, key in enumerate({use.key for use in ledger.uses}):
        planted.plant(f"key of a message {number}", key)
    assert len(errors) > 30
    assert {error.kind for error in errors if isinstance(error, PortableError)} >= {
        "not-found", "invalid-key", "denied", "unavailable", "malformed", "precondition-failed", "already-exists",
    }  # fmt: skip

    said = defaultdict(list)
    for error in errors:
        said["a traceback"] += traceback.format_exception(error)
        for found in chain(error):
            said[type(found).__name__] += [str(found), repr(found), repr(found.args), *getattr(found, "__notes__", ())]
    assert shown(planted, said) == set()

    loud, quiet = defaultdict(list), defaultdict(list)
    for name, level, text in kept.records:
        (loud if level > logging.DEBUG else quiet)[name].append(text)
    assert shown(planted, loud) == set()
    assert shown(planted, quiet) == set()
    assert {name.partition(".")[0] for name, _, _ in kept.records} >= {"botocore", "urllib3", "azure"}


def test_the_package_logs_nothing_by_itself(custody: Custody, kept: Kept) -> None:
    assert not [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("portable", "migrate")]
    assert os.environ.get("PORTABLE_PASSPHRASE") is None
