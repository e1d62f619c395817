"""A fresh process for each measurement of a job, so that no client profits from what an earlier one left in its caches."""

import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from bench.etl_clients import CLIENTS, Place, random_data
from bench.measure import Sample, peak, sample

_SECONDS: Final = 600.0
"""How long one job may take."""
_LOADED: Final = ["bench.etl_clients", "boto3", "fsspec.parquet", "pandas", "portable.filesystem", "pyarrow.dataset", "s3fs"]
"""What every process has imported when it begins; nothing in it has been opened."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one job took: time, and by how many bytes resident memory rose at most."""

    sample: Sample
    peak: int


def taken(client: str, job: str, place: Place) -> Taken:
    """Do a job once in a process of its own, once the client has connected. Raises: RuntimeError (it failed and said why)."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    pipe, other = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(other, client, job, place))
    process.start()
    other.close()
    try:
        if not pipe.poll(_SECONDS):
            raise RuntimeError(f"{client}: {job} took longer than {_SECONDS:g} s")
        found: Taken = pipe.recv()
    except EOFError:
        raise RuntimeError(f"{client}: {job} failed") from None
    else:
        return found
    finally:
        pipe.close()
        if process.is_alive():
            process.kill()
        process.join()


def _do(pipe: Connection, client: str, job: str, place: Place) -> None:
    os.environ.update(place.environment)
    opened = CLIENTS[client](place)
    opened.warm()
    random_data()  # made here, so that nobody's writing is charged with it
    samples: list[Sample] = []
    grown = peak(lambda: samples.append(sample(getattr(opened, job), 1)))
    pipe.send(Taken(samples[0], grown))
    pipe.close()
    # Without what clients would do at exit: what they hold ends with the process.
    os._exit(0)
