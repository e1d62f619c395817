"""`portable keys`, as it is typed."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from portable.cli.keys import app


def run(*words: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=stdin)


def facts(*words: object, stdin: str | None = None, status: int = 0) -> dict[str, Any]:
    result = run(*words, "--json", stdin=stdin)
    assert result.exit_code == status, (result.output, result.exception)
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed
