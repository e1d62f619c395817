"""Line numbers of TOML fields, against documents whose lines the test itself laid out."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from portable.hosts.toml_lines import Lines

NAMES = st.text("abcdefghijklmnop_-", min_size=1, max_size=6)
VALUES = st.sampled_from(
    ["1", '"x = 1"', "[1, 2]", '[\n  "a = 1",\n  { value = 2 },\n]', '"""\n[not.a.table]\nnot_a_key = 1\n"""', "{ deep = 1 }"]
)


@given(tables=st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4), arrays=st.booleans())
def test_every_key_is_found_on_the_line_where_it_was_written(tables: dict[str, dict[str, str]], *, arrays: bool) -> None:
    lines, expected = ["# a comment"], {}
    for table, fields in tables.items():
        lines.append(f"[[{table}]]" if arrays else f"[{table}]")
        place = (table, 0) if arrays else (table,)
        expected[place] = len(lines)
        for name, value in fields.items():
            expected[(*place, name)] = len(lines) + 1
            lines += f"{name} = {value} # name = 2".splitlines()
    text = "\n".join(lines)
    tomllib.loads(text)
    found = Lines(text)
    assert {place: found.of(place) for place in expected} == expected


def test_elements_of_an_array_of_tables_are_counted() -> None:
    found = Lines('[[criteria]]\nid = "a"\n[[criteria]]\nid = "b"\n[criteria.decided]\nhuman = "x"\n')
    assert (found.of(("criteria", 0, "id")), found.of(("criteria", 1, "id"))) == (2, 4)
    assert found.of(("criteria", 1, "decided", "human")) == 6


def test_what_stands_within_an_inline_table_has_the_line_of_its_key() -> None:
    found = Lines("a = 1\n[limits]\nmax_parts = [\n  { value = 1 },\n]\n")
    assert found.of(("limits", "max_parts", 0, "value")) == 3


def test_dotted_and_quoted_keys_are_found() -> None:
    found = Lines("a.b = 1\n\"c d\" = 2\n['e f'.g]\nh = 3\n")
    assert [found.of(place) for place in (("a", "b"), ("c d",), ("e f", "g", "h"))] == [1, 2, 4]
