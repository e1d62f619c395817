"""Where settings come from: the call, then the environment, then one file; and what is wrong is named with its place."""

import itertools
from pathlib import Path

import pytest

from portable import open_volume
from portable.config import OPTIONS, VARIABLES, Settings, resolve, settings
from portable.errors import ConfigurationError, NotFound

ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")
SAID = {
    "catalog": ("option.json", "variable.json", "file.json"),
    "authority": (ONE, TWO, THREE),
    "keyring": ("option.json", "variable.json", "file.json"),
    "state": ("option", "variable", "file"),
    "patience": (1.0, "2", 3),
    "reading": ("requests=1", "requests=2", "requests=3"),
}
"""What an option, a variable and the file say of each setting."""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("home", "work"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def in_toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.mark.parametrize(("name", "sources"), list(itertools.product(OPTIONS, itertools.product([False, True], repeat=3))))
def test_the_first_that_says_something_wins(name: str, sources: tuple[bool, bool, bool], own_folders: Path) -> None:
    option, variable, file = (value if said else None for value, said in zip(SAID[name], sources, strict=True))
    if file is not None:
        (own_folders / "work" / "portable.toml").write_text(f"{name} = {in_toml(file)}\n")
    found = resolve({name: option}, {VARIABLES[name]: str(variable)} if variable is not None else {})
    said = next((value for value in (option, variable, file) if value is not None), None)
    origins = (f"option {name}", VARIABLES[name], f"{own_folders / 'work' / 'portable.toml'}:1")
    assert found.origins[name] == next((origin for origin, has in zip(origins, sources, strict=True) if has), "default")
    value = getattr(found.settings, name)
    if said is None:
        assert value == (own_folders / "home/.local/state/portable" if name == "state" else getattr(Settings(), name))
    elif name == "patience":
        assert value == float(str(said))
    else:
        assert value == (said if name in ("authority", "reading") else own_folders / "work" / str(said))
    assert {origin for each, origin in found.origins.items() if each != name} == {"default"}


def test_one_file_is_read_and_the_others_that_were_looked_for_are_told(own_folders: Path) -> None:
    work, home = own_folders / "work/portable.toml", own_folders / "home/.config/portable/portable.toml"
    assert (resolve(environ={}).file, resolve(environ={}).looked_at) == (None, (work, home))
    home.parent.mkdir(parents=True)
    home.write_text("patience = 1")
    assert (resolve(environ={}).file, resolve(environ={}).looked_at) == (home, (work, home))
    work.write_text('keyring = "k.json"')
    found = resolve(environ={})
    assert (found.file, found.looked_at, found.settings.patience) == (work, (work,), 60.0)
    named = own_folders / "named.toml"
    named.write_text("patience = 2")
    found = resolve(environ={"PORTABLE_CONFIG": str(named)})
    assert (found.file, found.looked_at, found.settings.patience) == (named, (named,), 2.0)


def test_paths_start_where_they_are_written(own_folders: Path) -> None:
    file = own_folders / "elsewhere" / "named.toml"
    file.parent.mkdir()
    file.write_text('catalog = "c.json"\nkeyring = "~/k.json"\nstate = "/var/lib/portable"')
    found = settings(environ={"PORTABLE_CONFIG": str(file)})
    assert (found.catalog, found.keyring) == (file.parent / "c.json", own_folders / "home/k.json")
    assert found.state == Path("/var/lib/portable")
    assert settings({"catalog": Path("c.json")}, {}).catalog == own_folders / "work/c.json"


def test_an_empty_variable_and_an_option_of_none_say_nothing() -> None:
    assert set(resolve({"catalog": None}, dict.fromkeys(VARIABLES.values(), "")).origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('# mine\ncatalogue = "c.json"', 2, "did you mean 'catalog'"),
        ("\n\npatiense = 2", 3, "did you mean 'patience'"),
        ('[lake]\ncatalog = "c"', 1, "there are: catalog, authority"),
        ('catalog = "c"\npatience = "soon"', 2, "patience"),
        ('catalog = "c"\npatience = -1', 2, "0 or more"),
        ("patience = nan", 1, "0 or more"),
        ('authority = "sha256:123"', 1, "fingerprint"),
        ("catalog = 1", 1, "catalog"),
        ('catalog = ""', 1, "path"),
        ('catalog = "s3://bucket/catalog.json"', 1, "local file"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_line(text: str, line: int, told: str, own_folders: Path) -> None:
    file = own_folders / "work/portable.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=told) as raised:
        settings(environ={})
    assert str(raised.value).startswith(f"{file}:{line}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reading", "requests=many"),
        ("patience", "soon"),
        ("patience", "-1"),
        ("patience", "inf"),
        ("authority", "sha256:ABC"),
        ("catalog", "s3://bucket/c"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{VARIABLES[name]}: "):
        settings(environ={VARIABLES[name]: value})
    with pytest.raises(ConfigurationError, match=f"^option {name}: "):
        settings({name: value}, {})


@pytest.mark.parametrize(("name", "value"), [("catalog", 3), ("catalog", b"c.json"), ("patience", None), ("patience", True)])
def test_an_option_of_another_type_is_refused(name: str, value: object) -> None:
    if value is None:
        assert settings({name: value}, {}).patience == 60.0
        return
    with pytest.raises(ConfigurationError, match=f"^option {name}: "):
        settings({name: value}, {})


def test_an_option_that_there_is_not_names_those_there_are_and_never_shows_its_value() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'catalog'") as slip:
        settings({"catalogue": "c.json"}, {})
    assert all(name in str(slip.value) for name in OPTIONS)
    with pytest.raises(ConfigurationError, match="has no option 'secret'") as meant_for_another:
        settings({"secret": "hunter2"}, {})
    assert "hunter2" not in str(meant_for_another.value)


def test_a_named_file_that_is_missing_or_no_toml_is_an_error(own_folders: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        settings(environ={"PORTABLE_CONFIG": "missing.toml"})
    (own_folders / "work/portable.toml").write_text("catalog = ")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        settings(environ={})


def test_opening_says_what_is_missing(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTABLE_STATE", str(own_folders / "state"))
    with pytest.raises(ConfigurationError, match="PORTABLE_CATALOG"):
        open_volume("portable://lake")
    with pytest.raises(NotFound, match="portable catalog init"):
        open_volume("portable://lake", catalog="missing.json")


@pytest.mark.parametrize("said", [{"volume": "lake"}, {"endpoint": "https://host"}, {"credentials": "env:LAKE_"}])
def test_where_a_volume_of_the_catalog_is_no_call_says(said: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="the catalog says where"):
        open_volume("portable://lake", **said)
