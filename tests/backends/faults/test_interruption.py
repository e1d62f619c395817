"""Ctrl-C in the middle of a large upload: the program ends in seconds, and what it leaves is invisible and listed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.backends.faults.conftest import Host
from tests.servers.faults import SlowUpload

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 5.0


@pytest.mark.parametrize("way", ["put", "parts"])
def test_an_interrupted_program_ends_and_leaves_nothing_visible(host: Host, way: str) -> None:
    request = "put" if way == "put" else "part"
    host.fail(request, SlowUpload(rate=1 << 20), skip=0 if way == "put" else 1)
    command = [sys.executable, "-m", "tests.backends.faults.uploading", host.url, host.proxy.endpoint, way]
    with subprocess.Popen(
        command, cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        try:
            deadline = time.monotonic() + 30
            while not any(each.fault and each.length for each in host.proxy.log):
                assert time.monotonic() < deadline
                assert program.poll() is None, program.communicate()[0]
                time.sleep(0.05)
            program.send_signal(signal.SIGINT)
            said, _ = program.communicate(timeout=SECONDS)
        finally:
            program.kill()
    assert program.returncode in (1, 130, -signal.SIGINT)
    assert "KeyboardInterrupt" in said
    with pytest.raises(ProcessLookupError):
        os.killpg(program.pid, 0)  # none of its children runs on
    host.proxy.wait_idle()
    assert list(host.direct.list()) == []
    assert {each.key for each in host.direct.unfinished()} <= {"key"}


def test_what_an_upload_left_behind_is_listed_and_can_be_dropped(host: Host) -> None:
    upload = host.open().begin("key")
    upload.part(0, b"data")
    (left,) = host.direct.unfinished()
    assert left.key == "key"
    assert list(host.direct.list()) == []
    host.direct.resume("key", left.token).abort()
    if host.kind == "s3":  # Azure drops blocks by itself, after a week
        assert list(host.direct.unfinished()) == []
