"""Tags, commitments and digests are compared in constant time: read from the source, so that a new module cannot forget it."""

import ast
from pathlib import Path

import pytest

import portable

ROOT = Path(portable.__file__).parent
SOURCES = sorted([*(ROOT / "format").glob("*.py"), *(ROOT / "keys").glob("*.py"), ROOT / "sealed.py"])
SECRET_ENDINGS = ("tag", "commitment", "digest", "mac", "hmac", "signature", "seed", "secret", "passphrase")
"""The last word of a name that stands for something an attacker must not learn byte by byte."""
ALLOWED = {("authority.py", "authority.public != file.authority")}
"""Comparisons of public values that a reader may take for something else."""


def compared_plainly(source: str) -> list[str]:
    """Return the comparisons by `==`, `!=`, `in` or `not in` of a value that is named like a secret or a tag."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops):
            sides = [node.left, *node.comparators]
            constant = any(isinstance(side, ast.Constant) for side in sides)  # such as a length, a state, a name
            if not constant and any(_last_word(side) in SECRET_ENDINGS for side in sides):
                found.append(ast.unparse(node))
    return found


def _last_word(node: ast.expr) -> str:
    """Return the last word of the name that an expression goes by: of `self._header.tag[0:4]` it is `tag`."""
    while isinstance(node, ast.Subscript | ast.Call | ast.Await):
        node = node.func if isinstance(node, ast.Call) else node.value
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.lower().rpartition("_")[2]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_secret_is_compared_by_an_operator(path: Path) -> None:
    assert [found for found in compared_plainly(path.read_text()) if (path.name, found) not in ALLOWED] == []


def test_constant_time_comparison_is_what_the_checks_use() -> None:
    """The commitment, the place, the protector's commitment, the seed's public key and the overflow's digest, at least."""
    files = {path.name for path in SOURCES if "hmac.compare_digest(" in path.read_text()}
    assert files >= {"unlock.py", "context.py", "passphrase.py", "recipient.py", "sealed.py"}


@pytest.mark.parametrize(
    "source",
    [
        "tag == expected",
        "header.commitment != commitment(key)",
        "self._tag[:16] == x",
        "expected == hmac_digest",
        "digest() == other",
        "x in seen and mac != y",
        "passphrase in guesses",
    ],
)
def test_a_plain_comparison_would_be_noticed(source: str) -> None:
    assert compared_plainly(source)


@pytest.mark.parametrize("source", ["len(tag) == 16", "stage == one", "digest is None", "state == 'digest'", "a == b"])
def test_other_comparisons_are_left_alone(source: str) -> None:
    assert not compared_plainly(source)
