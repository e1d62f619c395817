"""`portable gc`: what was begun and never finished is shown, and dropped only when it is old and that is asked."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.location import Location
from portable.backends.protocol import Attributes, Unfinished, Upload
from portable.backends.registry import open_backend
from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.cli import gc
from portable.cli.running import run
from portable.errors import Denied, NotFound
from portable.keys.authority import Authority
from tests.servers import Azurite, SeaweedFS

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def begun(url: str, *keys: str, credentials: str = "default") -> None:
    """Stage a part of each, and go away."""
    backend = open_backend(Location(url, credentials=credentials))
    for key in keys:
        backend.begin(key).part(0, b"staged")
    backend.close()


def listed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[tuple[str, str]]:
    capsys.readouterr()
    assert run(["gc", *arguments, "--json"]) == status
    return sorted((found["key"], found["state"]) for found in json.loads(capsys.readouterr().out))


def exercise(url: str, *options: str, credentials: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Do everything once, over a host that can list its unfinished uploads."""
    begun(url, "a/one", "b", credentials=credentials)
    place = (url, *options)
    assert listed(capsys, *place) == []
    assert listed(capsys, *place, "--older-than", "0") == [("a/one", "old"), ("b", "old")]
    assert listed(capsys, *place, "--abort") == []
    assert listed(capsys, *place, "--older-than", "0", "--abort") == [("a/one", "aborted"), ("b", "aborted")]
    assert listed(capsys, *place, "--older-than", "0", "--abort") == []


def test_uploads_to_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exercise(f"file://{tmp_path}", credentials="default", capsys=capsys)


def test_blocks_at_azure_are_left_to_the_service(
    azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in azurite.env("GC_").items():
        monkeypatch.setenv(name, value)
    url, place = f"az://{container}/lake", ("--credentials", "env:GC_", "--older-than", "0")
    begun(url, "a/one", credentials="env:GC_")
    assert listed(capsys, url, *place) == [("a/one", "old")]
    assert listed(capsys, url, *place, "--abort", status=1) == [("a/one", "still there")]


def test_uploads_to_an_s3_host(
    seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in seaweedfs.env("GC_").items():
        monkeypatch.setenv(name, value)
    exercise(f"s3://{bucket}/lake", "--credentials", "env:GC_", credentials="env:GC_", capsys=capsys)
    assert seaweedfs.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_finished_objects_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"file://{tmp_path}"
    backend = open_backend(Location(url))
    backend.put("whole", b"data")
    upload = backend.begin("committed")
    upload.part(0, b"data")
    upload.commit()
    begun(url, "half")
    assert listed(capsys, url, "--older-than", "0", "--abort") == [("half", "aborted")]
    assert sorted(stat.key for stat in backend.list()) == ["committed", "whole"]
    backend.close()


def test_the_home_of_a_volume_is_found_by_the_catalog_without_its_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, authority, catalog = f"file://{tmp_path}/store", Authority.generate(), LocalCatalog(tmp_path / "catalog.json")
    (tmp_path / "store").mkdir()
    catalog.create()
    home = Home(url=url, mode="sealed", keyring="elsewhere.json", volume="lake", volume_id="00" * 16)
    entry = first_entry("lake", home, lease=30.0, authority=authority.fingerprint)
    catalog.compare_and_swap("lake", None, sign_entry(entry, authority), authority.fingerprint)
    monkeypatch.setenv("PORTABLE_CATALOG", str(catalog.path))
    begun(url, "key")
    assert listed(capsys, "portable://lake", "--older-than", "0") == [("key", "old")]
    for wrong in (["portable://lake/key"], ["portable://lake", "--region", "fr-par"]):
        assert run(["gc", *wrong]) == 2
    assert run(["gc", "portable://pond"]) == 1


class Host:
    """Has one upload of each kind."""

    def __init__(self) -> None:
        old = datetime.now(UTC) - timedelta(days=8)
        self.uploads = {
            "young": Unfinished("young", "1", datetime.now(UTC)),
            "old": Unfinished("old", "2", old),
            "guarded": Unfinished("guarded", "3", old),
            "stubborn": Unfinished("stubborn", "6", old),
            "finished meanwhile": Unfinished("finished meanwhile", "4", old),
            "ageless": Unfinished("ageless", "5", None),
        }
        self.aborted: list[tuple[str, str]] = []
        self.closed = False

    def unfinished(self) -> Iterator[Unfinished]:
        yield from self.uploads.values()

    def resume(self, key: str, token: str, **_: Attributes | None) -> Upload:
        if key == "finished meanwhile":
            raise NotFound(f"{key}: gone")
        if key == "guarded":
            raise Denied(f"{key}: not allowed")
        host = self

        class Resumed:
            def abort(self) -> None:
                host.aborted.append((key, token))
                if key != "stubborn":
                    del host.uploads[key]

        return Resumed()  # type: ignore[return-value]  # only what is called

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()

    def opened(location: Location, **_: Any) -> Host:
        assert location.region == "fr-par"
        return host

    monkeypatch.setattr(gc, "backend_at", opened)
    return host


def test_without_abort_nothing_is_changed(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    found = listed(capsys, "s3://lake", "--region", "fr-par")
    states = {"ageless": "unknown age", "finished meanwhile": "old", "guarded": "old", "old": "old", "stubborn": "old"}
    assert dict(found) == states
    assert (host.aborted, host.closed) == ([], True)


def test_what_was_not_aborted_shows_in_the_exit_status(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    place = ("s3://lake", "--region", "fr-par", "--abort")
    found = listed(capsys, *place, status=1)
    assert dict(found) == {
        "ageless": "unknown age",
        "finished meanwhile": "gone",
        "guarded": "failed",
        "old": "aborted",
        "stubborn": "still there",
    }
    assert (host.aborted, host.closed) == ([("old", "2"), ("stubborn", "6")], True)
    assert run(["gc", *place]) == 1
    printed = capsys.readouterr()
    assert "guarded: not allowed" in printed.err
    assert "3 of 4 uploads are left" in printed.err
    for key in ("guarded", "ageless", "stubborn"):
        del host.uploads[key]
    assert run(["gc", *place]) == 0


def test_a_host_that_cannot_list_them_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gc", "memory://gc-of-memory"]) == 1
    assert "memory://gc-of-memory" in capsys.readouterr().err


@given(st.lists(st.none() | st.integers(-10, 100)), st.integers(0, 100))
def test_an_upload_is_old_from_its_age_on(ages: list[int | None], limit: int) -> None:
    uploads = [
        Unfinished(str(number), "", None if age is None else NOW - timedelta(days=age)) for number, age in enumerate(ages)
    ]
    found = {each.upload.key: each.state for each in gc.leftovers(uploads, timedelta(days=limit), NOW)}
    wanted = {str(n): "unknown age" if age is None else "old" for n, age in enumerate(ages) if age is None or age >= limit}
    assert found == wanted
