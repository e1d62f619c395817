"""Dask: each worker reads and writes its own partitions, and unlocks the keyring itself.

python -m examples.etl.with_dask portable://lake
"""

import sys

import dask.dataframe as dd
from dask.distributed import Client, LocalCluster


def report(lake: str, name: str) -> None:
    visits = dd.read_parquet(f"{lake}/visits.parquet", columns=["department", "month", "minutes"], split_row_groups=True)
    by_department = visits.groupby(["month", "department"])["minutes"].sum().reset_index()
    by_department.repartition(npartitions=2).to_parquet(f"{lake}/dask/{name}", write_index=False)
    total = int(dd.read_parquet(f"{lake}/dask/{name}")["minutes"].sum().compute())
    print(f"{name}: {visits.npartitions} partitions, {total:,} minutes")


# Workers of a cluster are new processes: they import this file, and must not run what follows.
if __name__ == "__main__":
    # By default, threads of this process.
    report(sys.argv[1], "threads")

    # A cluster. What goes to its workers are names and references; the passphrase each has from its own environment.
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster, Client(cluster):
        report(sys.argv[1], "cluster")
