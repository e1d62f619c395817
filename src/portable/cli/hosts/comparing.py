"""`portable hosts compare`: criteria by hosts, each answer with its evidence."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from portable.cli.hosts.facts import matrix_facts
from portable.cli.hosts.options import AsJson
from portable.cli.hosts.page import matrix_page
from portable.cli.hosts.printing import print_changes, print_matrix
from portable.cli.hosts.words import Language
from portable.cli.output import out, print_json
from portable.errors import ConfigurationError, RefusedError
from portable.hosts.candidates import choose
from portable.hosts.comparing import Matrix, check_answers
from portable.hosts.comparing import compare as matrix_of
from portable.hosts.difference import differences
from portable.hosts.library import load_profiles, user_folder
from portable.hosts.probe_result import read_probe_result
from portable.hosts.requirements import Requirements


def compare(
    requirements: Annotated[Path, typer.Option("--requirements", metavar="FILE", help="The requirements document.")],
    hosts: Annotated[
        list[str] | None, typer.Argument(metavar="[HOST]...", help="NAME or NAME@REGION.  [default: every profile]")
    ] = None,
    probe: Annotated[
        list[Path] | None,
        typer.Option("--probe", metavar="RESULT.json", help="What a probe found; it outranks the profile. May be given again."),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the matrix as one HTML page.")] = None,
    language: Annotated[Language, typer.Option("--language", help="Language of the matrix and the page.")] = "en",
    require: Annotated[
        bool, typer.Option("--require", help="Exit with status 3 unless every host compared meets every must.")
    ] = False,
    diff: Annotated[
        Path | None, typer.Option("--diff", metavar="OLD.toml", help="Show what changed since this earlier version.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare hosts with a requirements document: met, not met or unknown, each with its evidence and date.

    Example: portable hosts compare --requirements requirements.toml scaleway@fr-par ovhcloud --html hosts.html
    """
    document = Requirements.load(requirements)
    changes = differences(Requirements.load(diff), document) if diff is not None else None
    profiles = load_profiles(user_folder())
    check_answers(document, profiles, str(requirements))
    candidates = choose(hosts or (), profiles, [read_probe_result(path) for path in probe or ()])
    matrix = matrix_of(document, candidates, datetime.now(UTC).date())
    if html is not None:
        _write(html, matrix_page(matrix, changes, language))
    if as_json:
        print_json(matrix_facts(matrix, changes))
    else:
        if changes is not None:
            print_changes(changes, language, out())
        print_matrix(matrix, language, out())
    if require:
        _refuse_lacking(matrix)


def _refuse_lacking(matrix: Matrix) -> None:
    lacking = []
    for host in matrix.hosts:
        found = [f"{verdict}: {', '.join(ids)}" for verdict, ids in matrix.lacking(host).items() if ids]
        if found:
            lacking.append(f"{host.candidate.label} ({'; '.join(found)})")
    if lacking:
        raise RefusedError(f"not every must is met, and unknown is not met: {' | '.join(lacking)}")


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
