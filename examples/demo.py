"""The first exit, end to end, on this machine: a lake leaves Azure (Azurite) for an S3 host (SeaweedFS), encrypted, verified.

An ETL job runs before and after with the same code and gives the same result; a service writes all the time and loses nothing.
Run it with `make demo`. It leaves the folder `.demo` with the keyring, the catalog, the journal and the plan's page.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from azure.storage.blob import ContentSettings

from examples.open_with_public_sdk import open_message
from examples.sample_lake import samples
from tests.servers import Azurite, SeaweedFS

HERE = Path(__file__).parent
FOLDER = HERE.parent / ".demo"
LEASE = 4
"""Seconds: short, so that the demonstration is; a real lake takes 30 or more."""
MIGRATION = """\
name = "lake-exit"
deadline = 2026-12-31

[source]
url = "az://lake"
account = "{account}"
endpoint = "{azure}"
credentials = "env:SOURCE_"

[target]
url = "s3://lake-eu/lake"
endpoint = "{s3}"
region = "us-east-1"
credentials = "env:TARGET_"

[target.encryption]
keyring = "keyring.json"
volume = "lake"

[catalog]
url = "catalog.json"
name = "lake"

[rollback]
mode = "never"

[cutover]
lease = {lease}
frozen_lease = 1.0
"""


class Stage:
    """The folder of the demonstration and the environment in which its commands run."""

    def __init__(self, azurite: Azurite, seaweedfs: SeaweedFS) -> None:
        self.azurite, self.seaweedfs = azurite, seaweedfs
        self.environment = {
            **os.environ,
            **azurite.env("SOURCE_"),
            **seaweedfs.env("TARGET_"),
            "PORTABLE_CATALOG": str(FOLDER / "catalog.json"),
            "PORTABLE_PASSPHRASE_FILE": str(FOLDER / "passphrase.txt"),
            "PORTABLE_STATE": str(FOLDER / "state"),
        }

    def run(self, *command: str) -> str:
        """Show a command, run it, show what it prints, and return that."""
        print(f"\n$ {shlex.join(command)}", flush=True)
        program = ["-m", "portable"] if command[0] == "portable" else []
        started = time.monotonic()
        arguments = [sys.executable, *program, *command[1:]]
        done = subprocess.run(arguments, cwd=FOLDER, env=self.environment, text=True, stdout=subprocess.PIPE, check=False)
        print(done.stdout, end="")
        if done.returncode:
            sys.exit(f"the command ended with status {done.returncode}")
        print(f"  ({time.monotonic() - started:.1f} s)")
        return done.stdout


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    (FOLDER / "passphrase.txt").touch(mode=0o600)
    (FOLDER / "passphrase.txt").write_text("a passphrase for a demonstration\n")
    with Azurite(FOLDER) as azurite, SeaweedFS(FOLDER) as seaweedfs:
        exit_from_azure(Stage(azurite, seaweedfs))


def exit_from_azure(stage: Stage) -> None:
    title("A lake at Azure, in clear, and an empty bucket at an S3 host")
    fill_the_lake(stage.azurite)
    stage.seaweedfs.make_bucket("lake-eu")

    title("The controller's keys, and a catalog that says where the lake is")
    stage.run("portable", "keys", "init", "keyring.json")
    stage.run("portable", "keys", "add-volume", "keyring.json", "lake")
    stage.run("portable", "catalog", "init", "catalog.json")
    place = ("--account", stage.azurite.account, "--endpoint", stage.azurite.endpoint, "--credentials", "env:SOURCE_")
    stage.run("portable", "catalog", "add", "catalog.json", "lake", "az://lake", *place, "--lease", str(LEASE))

    title("The ETL job, and a service that writes from now on, know only portable://lake")
    job = ("python", str(HERE / "etl_job.py"), "portable://lake")
    before = stage.run(*job)
    notes, stop = FOLDER / "acknowledged.txt", FOLDER / "stop"
    service = subprocess.Popen(
        [sys.executable, str(HERE / "steady_writer.py"), "portable://lake", str(notes), str(stop)],
        cwd=FOLDER,
        env=stage.environment,
    )
    try:
        title("The migration")
        configuration = MIGRATION.format(
            account=stage.azurite.account, azure=stage.azurite.endpoint, s3=stage.seaweedfs.endpoint, lease=LEASE
        )
        (FOLDER / "exit.toml").write_text(configuration)
        stage.run("portable", "migrate", "plan", "exit.toml", "--html", "plan.html")
        for step in ("copy", "verify", "cutover", "status"):
            stage.run("portable", "migrate", step, "exit.toml")
        time.sleep(2)
    finally:
        stop.touch()
        service.wait(timeout=60)

    title("The same job after the cutover")
    after = stage.run(*job)
    check("the job's output is the same", holds=before == after)
    prove(stage, notes.read_text().split())


def prove(stage: Stage, acknowledged: list[str]) -> None:
    """Show what the new host holds, and that the public SDK opens it with the exported key."""
    title("What the new host can see, and what the exported key opens without this project")
    stage.run("portable", "keys", "export-volume-key", "keyring.json", "lake", "--out", "exported.json")
    exported = json.loads((FOLDER / "exported.json").read_text())
    client = stage.seaweedfs.client

    def stored(key: str) -> bytes:
        return bytes(client.get_object(Bucket="lake-eu", Key=f"lake/{key}")["Body"].read())

    first = next(samples())
    raw = stored(first.key)
    print(f"{first.key} at the host begins with {raw[:24].hex()} ...")
    check("no stored object contains the sample's text", holds=b"patient,region" not in raw)
    check("the public AWS Encryption SDK opens it to the original bytes", holds=open_message(exported, raw) == first.data)
    bodies = (f'{{"event": {number}}}'.encode() for number in range(len(acknowledged)))
    found = sum(open_message(exported, stored(key)) == body for key, body in zip(acknowledged, bodies, strict=True))
    check(
        f"of {len(acknowledged)} writes acknowledged meanwhile, {found} are at the new host",
        holds=found == len(acknowledged) > 0,
    )
    print(f"\nThe page of the plan: {FOLDER / 'plan.html'}")


def fill_the_lake(azurite: Azurite) -> None:
    azurite.make_container("lake")
    container = azurite.client.get_container_client("lake")
    count = size = 0
    for sample in samples():
        settings = ContentSettings(content_type=sample.content_type, **sample.headers)
        container.upload_blob(sample.key, sample.data, content_settings=settings, metadata=sample.metadata)
        count, size = count + 1, size + len(sample.data)
    print(f"{count} objects, {size:,} bytes in az://lake")


def title(text: str) -> None:
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def check(claim: str, *, holds: bool) -> None:
    print(f"{'ok' if holds else 'NOT TRUE'}: {claim}")
    if not holds:
        sys.exit(1)


if __name__ == "__main__":
    main()
