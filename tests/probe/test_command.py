"""`portable probe`: what it prints and writes, and how it ends."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from portable.backends.location import Location
from portable.backends.protocol import ABSENT
from portable.backends.traits import Contract, contract
from portable.cli.probe.page import probe_page
from portable.cli.running import run
from portable.hosts.measurements import MEASUREMENTS
from portable.hosts.probe_result import read_probe_result
from portable.opening import backend_at
from tests.hosts.test_page import Page
from tests.hosts.test_requirements import EXAMPLE
from tests.probe.conftest import Ask
from tests.probe.liar import Answered, Asked, Forward, Liar, refused
from tests.probe.servers import probed
from tests.servers import MiniStack, Moto, Rclone, SeaweedFS
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Rule, Status

QUICK = ["--credentials", "env:PROBED_", "--quick"]


@pytest.fixture
def place(ministack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket, with credentials in the environment."""
    set_environment(ministack, monkeypatch)
    return f"s3://{ministack.make_bucket()}/deep"


def set_environment(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.env("PROBED_").items():
        monkeypatch.setenv(name, value)


def test_piped_output_has_a_line_for_each_check(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", place, *QUICK, "--only", "tagging", "--only", "content-md5"]) == 0
    output = capsys.readouterr()
    lines = {line.split()[0]: line for line in output.out.splitlines() if line.strip()}
    assert "yes" in lines["tagging"]
    assert "keeps tags on objects" in lines["tagging"]
    assert "400 BadDigest where it does not" in lines["content-md5"]
    assert output.out.rstrip().endswith("2 yes, 0 no, 0 unknown")
    assert output.err == ""


def test_no_is_an_answer_and_no_failure(
    rclone: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(rclone, monkeypatch)
    assert run(["probe", f"s3://{rclone.make_bucket()}", *QUICK, "--only", "tagging"]) == 0
    assert "destroyed the object's body" in capsys.readouterr().out


def test_json_holds_the_result_and_what_went_wrong(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", place, *QUICK, "--only", "clock", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["checks"]["clock"]["answer"] == "yes"
    assert (facts["failed"], facts["not_removed"], facts["profile_disagrees"]) == ({}, [], {})
    assert facts["url"] == place


def test_a_saved_result_is_what_comparing_hosts_reads(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORTABLE_HOSTS", str(tmp_path))
    file = tmp_path / "result.json"
    assert run(["probe", place, *QUICK, "--provider", "aws", "--save", str(file), "--only", "conditional-create"]) == 0
    assert read_probe_result(file).provider == "aws"
    assert run(["hosts", "compare", "--requirements", str(EXAMPLE), "aws", "--probe", str(file)]) == 0
    assert "conditional-create: yes" in capsys.readouterr().out


def test_probe_and_profile_that_disagree_are_told(
    rclone: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    set_environment(rclone, monkeypatch)
    page = tmp_path / "page.html"
    names = ["conditional-create", "tagging", "content-md5"]
    command = ["probe", f"s3://{rclone.make_bucket()}", *QUICK, "--provider", "aws", "--html", str(page)]
    assert run([*command, *(word for name in names for word in ("--only", name))]) == 0
    output = capsys.readouterr().out
    assert "The profile of aws says otherwise of: conditional-create, tagging" in output
    assert "But the profile says yes (provider documentation, How to prevent object overwrites" in output
    assert Page(page.read_text()).text.count("But the profile says yes") == 2


def test_the_page_is_whole_and_loads_and_runs_nothing(outcome_of: Ask) -> None:
    page = Page(probe_page(outcome_of("ministack"), {}))
    assert set(page.loaded) <= {"data:,"}
    assert "script" not in page.tags
    assert len(page.ids) == len(set(page.ids))
    assert {"conditional-create", "tagging", "clock"} <= set(page.ids)
    assert "time to read 1 KiB, median" in page.text


def test_what_a_server_said_stays_text(liar: Liar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_environment(liar, monkeypatch)
    hostile, file = "<script>alert(1)</script>", tmp_path / "page.html"
    liar.where = "etag-is-md5"

    def lie(asked: Asked, forward: Forward) -> Answered:
        answered = forward(asked)
        return Answered(answered.status, {**answered.headers, "etag": hostile}, answered.body)

    liar.lie = lie
    bucket = liar.server.make_bucket()
    assert run(["probe", f"s3://{bucket}", *QUICK, "--only", "etag-is-md5", "--html", str(file)]) == 0
    assert "<script" not in file.read_text()
    assert hostile in Page(file.read_text()).text


def test_a_contract_is_written_that_provider_takes(place: str, tmp_path: Path) -> None:
    file = tmp_path / "contract.toml"
    words = [word for name in ("conditional-create", "conditional-create-race") for word in ("--only", name)]
    assert run(["probe", place, *QUICK, "--contract", str(file), *words]) == 0
    assert isinstance(contract(str(file)), Contract)
    assert contract(str(file)).conditions.create


def test_what_is_left_is_named_and_ends_with_status_1(
    liar: Liar, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(liar, monkeypatch)
    liar.lie, liar.where = refused(403, lambda asked: asked.method == "DELETE"), "etag-is-md5"
    assert run(["probe", f"s3://{liar.server.make_bucket()}", *QUICK, "--only", "etag-is-md5"]) == 1
    assert "portable: could not be removed: object portable-probe-" in capsys.readouterr().err


def test_a_check_that_could_not_be_made_ends_with_status_1(
    liar: Liar, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(liar, monkeypatch)
    liar.where = "list-parts"
    liar.lie = lambda asked, forward: Answered(200, body=b"no XML") if asked.method == "POST" else forward(asked)
    assert run(["probe", f"s3://{liar.server.make_bucket()}", *QUICK, "--only", "list-parts"]) == 1
    assert "list-parts could not be tried: the host's answer (200) is no XML" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["s3://bucket", "--only", "taging"], "did you mean 'tagging'"),
        (["s3://bucket", "--provider", "scalway"], "did you mean 'scaleway'"),
        (["file:///tmp"], "no store that can be probed"),
        (["az://container", "--contract", "c.toml"], "--contract and --keep are for S3 hosts"),
        (["az://container", "--keep"], "--contract and --keep are for S3 hosts"),
        (["s3://bucket", "--keep", "--only", "clock"], "leave --only out"),
    ],
)
def test_wrong_usage_ends_with_status_2(
    words: list[str], said: str, place: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROBED_AZURE_STORAGE_ACCOUNT", "portable")
    monkeypatch.setenv("PROBED_AZURE_STORAGE_KEY", "a2V5")
    assert run(["probe", *words, "--credentials", "env:PROBED_"]) == 2
    assert said in capsys.readouterr().err


def test_missing_rights_end_with_status_3(
    seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in seaweedfs.reader_env("PROBED_").items():
        monkeypatch.setenv(name, value)
    assert run(["probe", f"s3://{bucket}", *QUICK]) == 3
    assert "may not write" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", place, *QUICK, "--only", "clock", "--save", "/nowhere/result.json"]) == 2
    assert "/nowhere/result.json cannot be written" in capsys.readouterr().err


def test_throughput_is_measured_unless_it_is_left_out(rclone: Rclone, outcome_of: Ask) -> None:
    assert set(outcome_of("rclone").result.measured) == {"clock-offset", "get-latency", "put-latency"}
    measured = probed("rclone", rclone, quick=False).result.measured
    assert list(MEASUREMENTS) == sorted(measured, key=list(MEASUREMENTS).index)
    assert measured["put-small-1"] > 0
    assert measured["get-large-4"] > 0
    assert abs(measured["clock-offset"]) < 60


def test_a_result_that_is_kept_opens_its_bucket_where_no_contract_is_known(
    seaweedfs: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORTABLE_HOSTS", str(tmp_path / "hosts"))
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts" / "ours.toml").write_text(
        '[sources]\nown = { text = "seen", date = 2026-11-22, confidence = "primary" }\n'
        f'[endpoint]\nurl = {{ value = "{seaweedfs.endpoint}", source = "own" }}\n'
        '[limits]\nmax_parts = { value = 100, source = "own" }\n'
    )
    set_environment(seaweedfs, monkeypatch)
    bucket = seaweedfs.make_bucket()
    location = Location(f"s3://{bucket}/lake", provider="ours", credentials="env:PROBED_")
    with pytest.warns(RuntimeWarning, match="--provider ours --keep"):
        unprobed = backend_at(location)
    assert not unprobed.capabilities.conditional_create
    unprobed.close()
    assert run(["hosts", "show", "ours"]) == 0
    assert "Contract: not known" in capsys.readouterr().out
    assert run(["probe", f"s3://{bucket}", *QUICK, "--provider", "ours", "--keep"]) == 0
    assert "kept in" in capsys.readouterr().err
    backend = backend_at(location)
    assert (backend.capabilities.conditional_create, backend.capabilities.max_parts) == (True, 100)
    assert backend.put("key", b"data", expect=ABSENT).confirmed == "crc64nvme"
    backend.close()
    assert run(["hosts", "show", "ours"]) == 0
    assert f"Probe kept: s3://{bucket} at {seaweedfs.endpoint}" in capsys.readouterr().out
    assert run(["hosts", "show", "ours", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["contract"], [one["url"] for one in facts["kept"]]) == (None, [f"s3://{bucket}"])


def test_a_host_that_knows_buckets_by_its_name_alone_is_probed_as_its_profile_says(
    moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda name, *rest, **more: resolve("127.0.0.1" if str(name).endswith("localhost") else name, *rest, **more),
    )
    monkeypatch.setenv("PORTABLE_HOSTS", str(tmp_path))
    bucket = moto.make_bucket()
    with FaultProxy(moto.endpoint) as proxy:
        proxy.rules = [Rule(Status(400, "InvalidRequest"), target=f"^/{bucket}")]
        endpoint = proxy.endpoint.replace("127.0.0.1", "localhost")
        (tmp_path / "ours.toml").write_text(
            '[sources]\nown = { text = "seen", date = 2026-11-22, confidence = "primary" }\n'
            f'[endpoint]\nurl = {{ value = "{endpoint}", source = "own" }}\n'
            'addressing = { value = ["virtual"], source = "own" }\n'
        )
        set_environment(moto, monkeypatch)
        monkeypatch.delenv("PROBED_AWS_ENDPOINT_URL")
        checks = ["--only", "path-addressing", "--only", "virtual-addressing", "--only", "conditional-create", "--json"]
        assert run(["probe", f"s3://{bucket}", *QUICK, "--provider", "ours", *checks]) == 0
    answers = {name: found["answer"] for name, found in json.loads(capsys.readouterr().out)["checks"].items()}
    assert answers == {"path-addressing": "no", "virtual-addressing": "yes", "conditional-create": "yes"}
