"""`portable config check`."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from portable.cli.config.catalogs import authority_findings, catalog_findings, trust
from portable.cli.config.environment import misspelt
from portable.cli.config.findings import Finding
from portable.cli.config.volumes import volume_findings
from portable.cli.output import out, print_json
from portable.config import OPTIONS, Resolved, resolve

_WORDS: Final = {"ok": "ok", "note": "note", "not checked": "not checked", "failed": "FAILED"}


def check(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One volume.  [default: all of the catalog]")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no host.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what this process would use, from where it has it, and whether it opens its volumes. Changes nothing.

    No value of a secret is shown. Exit status 1 if a check failed, 2 if the configuration itself is wrong.

    Example: portable config check lake
    """
    resolved = resolve()
    found = findings(resolved, name, offline=offline)
    if as_json:
        print_json(_facts(resolved, found))
    else:
        _print(resolved, found)
    if any(each.outcome == "failed" for each in found):
        raise typer.Exit(1)


def findings(resolved: Resolved, name: str | None, *, offline: bool) -> list[Finding]:
    """Check everything, or all that concerns one volume. Raises: ConfigurationError (the pins cannot be read)."""
    trusted = trust(resolved)
    found = [*misspelt(os.environ), *catalog_findings(trusted)]
    if trusted is None:
        return found
    found += authority_findings(trusted, resolved)
    if any(each.outcome == "failed" and each.subject == "catalog" for each in found):
        return found
    for each in [name] if name else trusted.catalog.names():
        found += volume_findings(each, trusted, resolved.settings.keyring, offline=offline)
    return found


def _facts(resolved: Resolved, found: list[Finding]) -> dict[str, Any]:
    values = _values(resolved)
    return {
        "settings": {each: {"value": values[each], "from": resolved.origins[each]} for each in OPTIONS},
        "file": str(resolved.file) if resolved.file else None,
        "looked_at": [str(path) for path in resolved.looked_at],
        "checks": [asdict(each) for each in found],
        "failed": sum(each.outcome == "failed" for each in found),
    }


def _print(resolved: Resolved, found: list[Finding]) -> None:
    values = _values(resolved)
    settings = Table("setting", "value", "from", box=None)
    for each in OPTIONS:
        settings.add_row(each, "" if values[each] is None else str(values[each]), resolved.origins[each])
    out().print(settings)
    looked_at = ", ".join(str(path) for path in resolved.looked_at)
    out().print(f"\nconfiguration file: {resolved.file or f'none; looked for {looked_at}'}\n")
    checks = Table("volume", "check", "", "found", box=None)
    for finding in found:
        checks.add_row(finding.volume, finding.subject, _WORDS[finding.outcome], finding.said)
        if finding.remedy:
            checks.add_row("", "", "", f"-> {finding.remedy}")
    out().print(checks)


def _values(resolved: Resolved) -> dict[str, Any]:
    found = resolved.settings
    values = {each: getattr(found, each) for each in OPTIONS}
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
