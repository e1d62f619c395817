"""Write the tables of docs/reference/probe.md that real servers answer: `python -m tests.probe.document [SERVER]...`.

Without names, every server of the table is asked; with names, those columns are replaced and the others stay.
"""

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from portable.hosts.checks import CHECKS
from portable.hosts.probe_result import ProbeAnswer, ProbeResult
from tests import servers
from tests.probe.servers import ALWAYS, WITH_DEBIAN_PACKAGES, probed

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "probe.md"
TITLES: Final[Mapping[str, str]] = {
    "seaweedfs": "SeaweedFS",
    "ministack": "MiniStack",
    "moto": "Moto",
    "rclone": "Rclone",
    "juicefs": "JuiceFS",
    "azurite": "Azurite",
    "ceph": "Ceph",
    "swift": "Swift",
}
"""The columns, in order."""
_SHOWN: Final[dict[ProbeAnswer | None, str]] = {"yes": "yes", "no": "**no**", "unknown": "?", None: "-"}
_BEGIN, _END = "<!-- begin: answers -->\n", "<!-- end: answers -->\n"

Columns = dict[str, dict[str, str]]
"""For each server, what is shown of each check."""


def column(result: ProbeResult) -> dict[str, str]:
    """Return what is shown of one server."""
    found = result.checks
    return {name: _SHOWN[found[name].answer if name in found else None] for name in CHECKS}


def written(page: str) -> Columns:
    """Read the columns of the page."""
    rows = re.findall(r"^\| `([a-z0-9.-]+)` \| (.*) \|$", _inside(page), re.MULTILINE)
    cells = {name: rest.split(" | ") for name, rest in rows}
    return {server: {name: cells[name][place] for name in cells} for place, server in enumerate(TITLES)}


def table(columns: Columns) -> str:
    """Return the table as Markdown."""
    lines = [f"| Check | {' | '.join(TITLES.values())} |", f"|---|{'---|' * len(TITLES)}"]
    for name in CHECKS:
        cells = [columns.get(server, {}).get(name, "-") for server in TITLES]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _inside(page: str) -> str:
    return page.partition(_BEGIN)[2].partition(_END)[0]


def _asked(names: Sequence[str]) -> Columns:
    found: Columns = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            server: Any = getattr(servers, TITLES[name])(Path(folder))
            with server:
                found[name] = column(probed(name, server).result)
    return found


def main(names: Sequence[str]) -> None:
    """Ask servers, and write their columns."""
    page = PAGE.read_text()
    columns = written(page) | _asked(names or [*ALWAYS, *WITH_DEBIAN_PACKAGES])
    head, _, rest = page.partition(_BEGIN)
    PAGE.write_text(f"{head}{_BEGIN}{table(columns)}{_END}{rest.partition(_END)[2]}")


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        if asked not in TITLES:
            sys.exit(f"no server is named {asked}: there are {', '.join(TITLES)}")
    main(sys.argv[1:])
