"""The guide from adlfs, followed to the letter at Azurite: the same job before and after, and its commands in between."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.examples.lakes import CHECKOUT
from tests.servers import Azurite

PAGE = CHECKOUT / "docs" / "guides" / "from-adlfs.md"
PYTHON = re.compile(r'^```python title="(\w+\.py)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ACCOUNT, CONTAINER = "hdhlake", "lake"
"""As the page calls them."""


@dataclass
class Reader:
    """Somebody who follows the page in a folder, against an account and a container of another name."""

    folder: Path
    container: str
    environment: dict[str, str]
    names: dict[str, str]
    jobs: dict[str, str] = field(init=False)
    commands: list[str] = field(init=False)

    def __post_init__(self) -> None:
        page = self.here(PAGE.read_text())
        self.jobs = dict(PYTHON.findall(page))
        self.commands = [command for command in SHELL.findall(page) if not command.startswith("pip ")]

    def here(self, text: str) -> str:
        """Put the names of this account and container in place of the page's."""
        for said, meant in self.names.items():
            text = text.replace(said, meant)
        return text

    def shell(self, commands: str) -> str:
        """Run commands in one shell, and keep what it exported."""
        done = self._run("sh", "-ec", f"{commands}\nenv -0 >environment")
        exported = (self.folder / "environment").read_text().split("\0")
        self.environment = dict(each.split("=", 1) for each in exported if each)
        return done

    def python(self, program: str) -> str:
        """Run a program, warnings being errors, and return what it printed."""
        # adlfs closes its connections when the interpreter ends, and too late for its own client's taste.
        return self._run(sys.executable, "-Werror", "-Wignore:Unclosed:ResourceWarning", "-c", program)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite) -> Iterator[Reader]:
    """Somebody with a lake at Azurite who has followed the first two steps."""
    folder, container = tmp_path_factory.mktemp("adlfs"), azurite.make_container()
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName={azurite.account};AccountKey={azurite.account_key};"
        f"BlobEndpoint={azurite.endpoint};"
    )
    for name in ("passphrase.txt", "authority-passphrase.txt"):
        (folder / name).write_text(f"{name} correct horse\n")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AZURE_STORAGE_CONNECTION_STRING": connection,
        "PORTABLE_STATE": str(folder / "state"),
    }
    names = {
        ACCOUNT: azurite.account,
        **{f"{scheme}://{CONTAINER}": f"{scheme}://{container}" for scheme in ("abfs", "az")},
        "keys init keyring.json": "keys init keyring.json --argon2-memory 64 --argon2-passes 3",  # faster
    }
    with azurite.client.get_container_client(container) as lake:
        for folder_kept in ("visits", "visits/month=1", "visits/month=2"):
            lake.upload_blob(folder_kept, b"", metadata={"hdi_isfolder": "true"})
        for month in (1, 2):
            stream = pa.BufferOutputStream()
            pq.write_table(visits(month), stream)
            lake.upload_blob(f"visits/month={month}/part-0.parquet", stream.getvalue().to_pybytes())
    reader = Reader(folder, container, environment, names)
    describe, environment_of_jobs, _ = reader.commands
    reader.shell(describe)
    assert "visits/month=1/part-0.parquet" in reader.shell(environment_of_jobs)
    yield reader
    azurite.remove_container(container)


def visits(month: int) -> pa.Table:
    return pa.table(
        {"department": ["imaging", "oncology", "imaging"], "minutes": [20, 50 * month, 41], "note": ["a", "b", "c"]}
    )


def test_the_same_job_runs_before_and_after_and_the_data_stay_where_they_are(reader: Reader, azurite: Azurite) -> None:
    def report() -> bytes:
        with azurite.client.get_blob_client(reader.container, "reports/minutes.csv") as blob:
            data = blob.download_blob().readall()
            blob.delete_blob()
        return bytes(data)

    before = reader.python(reader.jobs["before.py"]), report()
    assert before[1] == b"department,minutes\nimaging,30.5\noncology,75.0\n"

    *_, change = reader.commands
    (reader.folder / "job.py").write_text(reader.jobs["before.py"].replace("abfs://", "abfss://", 1))
    reader.shell(change.replace(f"//{CONTAINER}(", f"//{reader.container}("))
    assert re.findall(r"\w+://\w+", (reader.folder / "job.py").read_text()) == ["portable://lake", "portable://lake"]
    assert (reader.python(reader.jobs["after.py"]), report()) == before


def test_jobs_of_either_kind_see_what_the_other_writes(reader: Reader) -> None:
    reader.python(f"""
import os
import pandas as pd

options = {{"connection_string": os.environ["AZURE_STORAGE_CONNECTION_STRING"]}}
here, there = "portable://lake/shared/1.parquet", "abfs://{reader.container}/shared/1.parquet"
one, two = pd.DataFrame({{"n": [1]}}), pd.DataFrame({{"n": [2]}})
one.to_parquet(there, storage_options=options)
assert pd.read_parquet(here).equals(one)
two.to_parquet(here)
assert pd.read_parquet(there, storage_options=options).equals(two)
""")
