"""Writers and readers that know nothing of the move: they use `portable://lake`, and note what happens to them.

    python clients.py writer NAME NOTES STOP     writes, overwrites and deletes keys of its own; notes what was acknowledged
    python clients.py reader NAME NOTES STOP     reads what is there; notes what it could not read

A note is a line of JSON, flushed before the next call; STOP is a file whose appearance ends the process.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

import portable
from portable.errors import NotFound, RetryableError

PAUSE = 0.03
"""Seconds between two calls: clients share the machine with what moves their volume."""


def main(role: str, name: str, notes: str, stop: str) -> None:
    volume = portable.open_volume("portable://lake")
    with Path(notes).open("a", buffering=1) as log:

        def note(**facts: object) -> None:
            log.write(json.dumps(facts) + "\n")
            log.flush()
            os.fsync(log.fileno())

        rounds = write(volume, name, note) if role == "writer" else read(volume, note)
        note(ready=True)
        while not Path(stop).exists():
            next(rounds)
            time.sleep(PAUSE)


def write(volume, name, note):
    """Work on ten keys in turn, so that each is overwritten many times, and delete every seventh."""
    version = 0
    while True:
        version += 1
        key = f"live/{name}/{version % 10}"
        try:
            if version % 7 == 0:
                volume.delete(key)
                note(key=key, deleted=version)
            else:
                body = f"{name}:{version}:".encode() + bytes([version % 251]) * random.Random(version).randrange(20_000)
                note(key=key, tried=version)
                volume.write(key, body)
                note(key=key, written=version)
        except RetryableError as error:
            note(key=key, retryable=error.kind)
        yield


def read(volume, note):
    """Read objects that never change and objects that writers work on."""
    count = 0
    while True:
        count += 1
        key = f"data/{count % 20:03}.bin" if count % 2 else f"live/w{count % 2}/{count % 10}"
        try:
            body = volume.read(key)
            if key.startswith("data/") and body != expected(key):
                note(key=key, wrong=len(body))
            elif key.startswith("live/"):
                note(key=key, version=int(body.split(b":")[1]))
        except NotFound:
            if key.startswith("data/"):
                note(key=key, missing=True)
        except RetryableError as error:
            note(key=key, retryable=error.kind)
        yield


def expected(key: str) -> bytes:
    """Return the content of an object of the sample data."""
    return random.Random(key).randbytes(1000 + len(key))


if __name__ == "__main__":
    main(*sys.argv[1:])
