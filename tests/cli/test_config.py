"""`portable config check`: what is used, from where, and whether it works; nothing is changed and no secret is shown."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from portable.catalog.entry import Home, sign_entry
from portable.catalog.pins import Pins
from portable.catalog.transitions import successor
from portable.config import settings
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile
from portable.keys.keyring import Keyring
from portable.opening import open_volume
from tests.cli.lake import Lake
from tests.servers import Azurite, SeaweedFS


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lake:
    made = Lake(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("PORTABLE_CATALOG", "catalog.json")
    return made


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_all_is_well_and_nothing_was_changed(lake: Lake) -> None:
    lake.put(lake.sealed())
    before = tree(lake.folder)
    checks = lake.checks("lake")
    assert {subject: each["outcome"] for subject, each in checks.items()} == {
        "catalog": "ok",
        "authority": "note",
        "entry": "ok",
        "home": "ok",
        "keyring": "ok",
        "identity": "ok",
        "keys": "ok",
        "host": "ok",
    }
    assert "PORTABLE_IDENTITY" in checks["identity"]["said"]
    assert tree(lake.folder) == before


def test_each_setting_is_shown_with_its_value_and_origin(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTABLE_CATALOG")
    (lake.folder / "portable.toml").write_text('# mine\ncatalog = "catalog.json"\n')
    monkeypatch.setenv("PORTABLE_PATIENCE", "5")
    facts = json.loads(lake.run("config", "check", "--json")[0])
    assert facts["settings"]["catalog"] == {
        "value": str(lake.folder / "catalog.json"),
        "from": f"{lake.folder / 'portable.toml'}:2",
    }
    assert facts["settings"]["patience"] == {"value": 5.0, "from": "PORTABLE_PATIENCE"}
    assert facts["settings"]["keyring"] == {"value": None, "from": "default"}
    assert facts["file"] == str(lake.folder / "portable.toml")
    printed, _ = lake.run("config", "check")
    assert f"{lake.folder / 'portable.toml'}:2" in printed


def test_wrong_configuration_ends_with_status_2(lake: Lake) -> None:
    (lake.folder / "portable.toml").write_text('keyrng = "k.json"\n')
    assert "portable.toml:1: " in lake.run("config", "check", status=2)[1]


def test_without_a_catalog_it_says_how_to_name_one(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTABLE_CATALOG")
    checks = lake.checks(status=1)
    assert list(checks) == ["catalog"]
    assert "PORTABLE_CATALOG" in checks["catalog"]["remedy"]
    printed, _ = lake.run("config", "check", status=1)
    assert f"looked for {lake.folder}/portable.toml, {lake.folder}/.config/portable/portable.toml" in printed


def test_a_variable_that_looks_like_a_slip_is_noted(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTABLE_CATALOGUE", "hidden")
    monkeypatch.setenv("PORTABLE_AWS_ACCESS_KEY_ID", "of credentials with this prefix")
    printed, _ = lake.run("config", "check")
    assert "PORTABLE_CATALOGUE is no variable" in printed
    assert "did you mean PORTABLE_CATALOG?" in printed
    assert "hidden" not in printed
    assert "AWS" not in printed


def test_every_failure_comes_with_what_to_do(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put(lake.sealed(), name="sound")
    lake.put(lake.sealed(url="file:///missing/folder"), name="no folder")
    lake.put(lake.sealed(keyring="missing.json"), name="no keyring")
    lake.put(lake.sealed(volume="puddle"), name="no keys")
    lake.put(lake.sealed(volume="pond"), name="other keys")
    lake.put(Home(url="s3://access:secret@bucket", mode="clear"), name="no address")
    lake.put(lake.sealed(keyring=None), name="unnamed keyring")
    lake.put(lake.sealed(), name="forged", signer=Authority.generate())
    monkeypatch.setenv("PORTABLE_AUTHORITY", lake.authority.fingerprint)
    printed, _ = lake.run("config", "check", "--json", status=1)
    failed = {(each["volume"], each["subject"]) for each in json.loads(printed)["checks"] if each["outcome"] == "failed"}
    assert failed == {
        ("no folder", "host"),
        ("no keyring", "keyring"),
        ("no keys", "keys"),
        ("other keys", "keys"),
        ("no address", "home"),
        ("unnamed keyring", "keyring"),
        ("forged", "entry"),
    }
    assert all(each["remedy"] for each in json.loads(printed)["checks"] if each["outcome"] == "failed")
    assert "secret" not in printed


def test_a_name_that_the_catalog_does_not_have(lake: Lake) -> None:
    lake.put(lake.sealed())
    assert "it has: lake" in lake.checks("laek", status=1)["entry"]["said"]


@pytest.mark.parametrize("phase", ["announced", "frozen"])
def test_of_a_volume_that_is_moving_the_store_to_come_is_checked_too(lake: Lake, phase: str) -> None:
    entry = lake.put(lake.sealed())
    for step in ("announced", "frozen")[: 1 if phase == "announced" else 2]:
        after = successor(entry, step, lease=1, other=lake.sealed(url=f"file://{lake.folder}/eu", keyring="missing.json"))
        lake.catalog.compare_and_swap("lake", entry.write_id, sign_entry(after, lake.authority), lake.authority.fingerprint)
        entry = after
    checks = lake.checks("lake", status=1)
    assert f"{phase}; a migration" in checks["entry"]["said"]
    assert {each: checks[each]["outcome"] for each in ("keyring", "host", "next home", "next keyring", "next host")} == {
        "keyring": "ok",
        "host": "ok",
        "next home": "ok",
        "next keyring": "failed",
        "next host": "failed",
    }


def test_an_entry_older_than_what_this_machine_has_seen_is_failed(lake: Lake) -> None:
    entry = lake.put(lake.sealed())
    Pins(settings().state).check(msgspec.structs.replace(entry, generation=7))
    assert "an old entry was put back" in lake.checks("lake", status=1)["entry"]["said"]


def test_a_keyring_of_another_authority_or_older_than_seen_is_failed(lake: Lake) -> None:
    lake.put(lake.sealed())
    Pins(settings().state).check_keyring(Keyring.read(lake.keyring).id.hex(), 9)
    assert "9 was seen here" in lake.checks("lake", status=1)["keyring"]["said"]
    stranger = Authority.generate()
    lake.put(lake.sealed(), name="foreign", signer=stranger)
    assert "pinned authority" in lake.checks("foreign", status=1)["keyring"]["said"]


def test_the_authority_that_is_pinned_is_shown(lake: Lake) -> None:
    lake.put(lake.sealed())
    open_volume("portable://lake").close()
    checks = lake.checks("lake")
    assert checks["authority"]["outcome"] == "ok"
    assert lake.authority.fingerprint in checks["authority"]["said"]
    assert "trusted authority" in checks["entry"]["said"]


def test_nobody_and_somebody_else_do_not_open_the_keyring(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put(lake.sealed())
    IdentityFile.generate().save(lake.folder / "stranger.identity")
    monkeypatch.setenv("PORTABLE_IDENTITY", str(lake.folder / "stranger.identity"))
    assert "opens no recipient" in lake.checks("lake", status=1)["identity"]["said"]
    monkeypatch.setenv("PORTABLE_IDENTITY", "missing.identity")
    assert lake.checks("lake", status=1)["identity"]["remedy"] == "correct PORTABLE_IDENTITY"
    monkeypatch.delenv("PORTABLE_IDENTITY")
    assert "PORTABLE_PASSPHRASE" in lake.checks("lake", status=1)["identity"]["remedy"]


def test_a_state_folder_that_cannot_be_used_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("portable.cli.config.catalogs.may_write", lambda _: False)
        assert "PORTABLE_STATE" in lake.checks(status=1)["state"]["remedy"]
    monkeypatch.setenv("PORTABLE_STATE", str(lake.keyring / "below a file"))
    assert "below a file" in lake.run("config", "check", status=2)[1]


def test_an_s3_home_is_asked_with_the_variables_that_are_named(
    lake: Lake, seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = {"provider": seaweedfs.provider, "endpoint": seaweedfs.endpoint, "credentials": "env:LAKE_"}
    lake.put(lake.sealed(url=f"s3://{bucket}", **home))
    assert "LAKE_AWS_ACCESS_KEY_ID" in lake.checks("lake", status=1)["credentials"]["said"]
    for name, value in seaweedfs.env("LAKE_").items():
        monkeypatch.setenv(name, value)
    checks = lake.checks("lake")
    assert (checks["host"]["said"], checks["clock"]["outcome"]) == ("answers; the store holds no object", "ok")
    assert "LAKE_AWS_ACCESS_KEY_ID, LAKE_AWS_SECRET_ACCESS_KEY" in checks["credentials"]["said"]
    printed, _ = lake.run("config", "check", "lake")
    assert seaweedfs.secret_key not in printed
    assert seaweedfs.access_key not in printed
    seaweedfs.client.put_object(Bucket=bucket, Key="key", Body=b"")
    assert lake.checks("lake")["host"]["said"] == "answers"
    monkeypatch.setenv("LAKE_AWS_SECRET_ACCESS_KEY", "wrong")
    assert "credentials are right" in lake.checks("lake", status=1)["host"]["remedy"]
    lake.put(lake.sealed(url="s3://no-such-bucket", **home), name="pond")
    monkeypatch.setenv("LAKE_AWS_SECRET_ACCESS_KEY", seaweedfs.secret_key)
    assert "make the container" in lake.checks("pond", status=1)["host"]["remedy"]


def test_an_azure_home_is_asked(lake: Lake, azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in azurite.env("LAKE_").items():
        monkeypatch.setenv(name, value)
    lake.put(lake.sealed(url=f"az://{container}", credentials="env:LAKE_"))
    checks = lake.checks("lake")
    assert (checks["host"]["outcome"], checks["clock"]["outcome"]) == ("ok", "ok")


def test_offline_no_host_is_asked(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"LAKE_{name}", "value")
        monkeypatch.delenv(name, raising=False)
    home = {"endpoint": "http://127.0.0.1:1"}
    lake.put(lake.sealed(url="s3://lake", credentials="env:LAKE_", **home))
    checks = lake.checks("lake", "--offline")
    assert (checks["credentials"]["outcome"], checks["host"]["outcome"]) == ("ok", "not checked")
    assert "clock" not in checks
    lake.put(lake.sealed(url="s3://lake", **home), name="chain")
    assert lake.checks("chain", "--offline")["credentials"]["outcome"] == "not checked"


class Answering(BaseHTTPRequestHandler):
    """Answers everything with 403, at a time of its own."""

    ahead = timedelta()

    def do_GET(self) -> None:
        self.send_response_only(403)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.ahead, usegmt=True))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - its name in the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


@pytest.fixture
def refusing() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("ahead", "outcome", "way"), [(0, "ok", "agrees"), (-400, "failed", "ahead of"), (400, "failed", "behind")]
)
def test_a_clock_that_hosts_would_refuse_is_failed(
    lake: Lake, refusing: str, monkeypatch: pytest.MonkeyPatch, ahead: int, outcome: str, way: str
) -> None:
    monkeypatch.setattr(Answering, "ahead", timedelta(seconds=ahead))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"LAKE_{name}", "value")
    lake.put(lake.sealed(url="s3://lake", endpoint=refusing, credentials="env:LAKE_"))
    clock = lake.checks("lake", status=1)["clock"]
    assert clock["outcome"] == outcome
    assert way in clock["said"]


def test_a_host_that_does_not_answer_is_failed_within_its_time(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portable.cli.config.volumes.ANSWER_SECONDS", 0.5)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"LAKE_{name}", "value")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        lake.put(lake.sealed(url="s3://lake", endpoint=f"http://127.0.0.1:{closed.getsockname()[1]}", credentials="env:LAKE_"))
        checks = lake.checks("lake", status=1)
    assert "reaches the endpoint" in checks["host"]["remedy"]
    assert checks["clock"]["outcome"] == "not checked"


def test_no_variable_that_holds_a_secret_is_ever_shown(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put(lake.sealed())
    monkeypatch.setenv("PORTABLE_PASSPHRASE", "not shown")
    for words in ([], ["--json"]):
        printed, complained = lake.run("config", "check", *words)
        assert "not shown" not in printed + complained
        assert os.environ["PORTABLE_AUTHORITY_PASSPHRASE"] not in printed + complained
