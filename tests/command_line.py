"""The command `portable`, run in this process: what its console script does, without the start of an interpreter."""

import contextlib
import io
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from portable.cli.running import run


def portable(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `portable ARGUMENTS` in a folder, with nothing to read on standard input.

    `environment` is added to that of this process. Exit status and output are as `subprocess.run` gives them.
    """
    command = [str(argument) for argument in arguments]
    given, out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(3))
    with (
        mock.patch.dict(os.environ, environment or {}),
        mock.patch("sys.stdin", given),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = run(command)
    return subprocess.CompletedProcess(["portable", *command], status, _written(out), _written(err))


def _written(stream: io.TextIOWrapper) -> str:
    raw = stream.detach()
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode()
