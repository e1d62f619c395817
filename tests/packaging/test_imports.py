"""What importing costs: which modules are loaded, in a process that has loaded nothing else."""

import json
import subprocess
import sys

import pytest

SDKS = ["azure", "awscrt", "boto3", "botocore", "hvac", "msal", "pkcs11", "requests", "urllib3"]
COMMAND_LINE = ["click", "jinja2", "rich", "typer"]
HOSTS = ["asyncio", "email", "fsspec", "http", "ssl", "tenacity", "xml"]
"""What only talking to a host, or fsspec, needs."""
OURS = ["portable.backends.azure", "portable.backends.fsspec_opening", "portable.backends.retrying", "portable.backends.s3"]


def loaded(source: str) -> set[str]:
    """Return every module that a new process has after it ran `source`, and the packages that they are in."""
    command = [sys.executable, "-c", f"{source}\nimport json, sys; print(json.dumps(list(sys.modules)))"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    modules: list[str] = json.loads(done.stdout.splitlines()[-1])
    return {*modules, *(module.partition(".")[0] for module in modules)}


def test_importing_portable_loads_next_to_nothing() -> None:
    found = loaded("import portable")
    assert {module for module in found if module.startswith("portable")} == {"portable", "portable.errors"}
    assert sorted(found.intersection([*SDKS, *COMMAND_LINE, *HOSTS, "cryptography", "msgspec"])) == []


def test_what_opens_volumes_loads_no_host_s_code() -> None:
    found = loaded("import portable; portable.open_volume")
    assert {"portable.opening", "portable.leased", "cryptography"} <= found
    assert sorted(found.intersection(SDKS + COMMAND_LINE + HOSTS + OURS)) == []
    assert not [
        module for module in found if module.startswith(("portable.hosts", "portable.cli", "portable.probe", "migrate"))
    ]


def test_importing_the_filesystem_loads_fsspec_and_no_host_s_code() -> None:
    found = loaded("import portable.filesystem")
    assert "fsspec" in found
    assert sorted(found.intersection(SDKS + COMMAND_LINE + OURS)) == []


@pytest.mark.parametrize("url", ["file:///tmp", "memory://store"])
def test_opening_a_store_of_this_machine_loads_no_client(url: str) -> None:
    found = loaded(f"import portable; portable.open_volume({url!r})")
    assert sorted(found.intersection(SDKS + COMMAND_LINE + HOSTS + OURS)) == []


@pytest.mark.parametrize("name", ["ABSENT", "ANY", "Attributes", "Matches", "ObjectInfo", "Volume", "open_volume"])
def test_every_public_name_is_there(name: str) -> None:
    assert loaded(f"import portable; assert {name!r} in portable.__all__; portable.{name}; from portable import {name}")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    assert loaded("import portable; assert not hasattr(portable, 'nothing'); assert 'open_volume' in dir(portable)")
