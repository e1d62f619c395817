"""The programs of examples/etl as the pages on libraries show them.

    python -m tests.docs.etl_pages

writes them into the pages anew.
"""

import ast
import re
from pathlib import Path

from tests.docs.pages import CHECKOUT, DOCS

EXAMPLES = CHECKOUT / "examples" / "etl"
PAGES = DOCS / "guides" / "etl"
BLOCK = re.compile(r"^<!-- (?P<path>examples/etl/\w+\.py) -->\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def shown() -> dict[str, str]:
    """Return the code that the pages show, by the path of the program that it says it is."""
    return {found["path"]: found["code"] for page in sorted(PAGES.glob("*.md")) for found in BLOCK.finditer(page.read_text())}


def programs() -> dict[str, str]:
    """Return every program that shows a library, by path, without its docstring, which the page says in other words."""
    return {path.relative_to(CHECKOUT).as_posix(): _without_docstring(path) for path in sorted(EXAMPLES.glob("with_*.py"))}


def main() -> None:
    """Write the programs into the pages."""
    code = programs()
    for page in PAGES.glob("*.md"):
        page.write_text(BLOCK.sub(lambda found: _block(found["path"], code[found["path"]]), page.read_text()))


def _block(path: str, code: str) -> str:
    return f"<!-- {path} -->\n```python\n{code}```"


def _without_docstring(path: Path) -> str:
    text = path.read_text()
    docstring = ast.parse(text).body[0]
    return "\n".join(text.splitlines()[docstring.end_lineno :]).strip() + "\n"


if __name__ == "__main__":
    main()
