"""Polars: over pyarrow datasets and file objects, because its own readers know a fixed list of URLs.

python -m examples.etl.with_polars portable://lake
"""

import sys

import polars as pl
import pyarrow.dataset as ds
from fsspec.core import url_to_fs

filesystem, lake = url_to_fs(sys.argv[1])

# Lazy: the filter and the columns that the query needs are handed down to the dataset, which reads no more.
visits = pl.scan_pyarrow_dataset(ds.dataset(f"{lake}/visits.parquet", filesystem=filesystem))
december = visits.filter(pl.col("month") == 12).select("patient", "minutes")

with filesystem.open(f"{lake}/patients.csv") as file:
    patients = pl.read_csv(file)

by_region = december.join(patients.lazy(), on="patient").group_by("region").agg(pl.col("minutes").mean().round(2))
report = by_region.sort("region").collect()

# Writers take a file object. `with` matters: leaving it by an exception drops what was written.
with filesystem.open(f"{lake}/polars/regions.parquet", "wb") as file:
    report.write_parquet(file)

# A file object, read eagerly: Polars reads all of it, whatever columns it is asked for.
with filesystem.open(f"{lake}/polars/regions.parquet") as file:
    print(pl.read_parquet(file))
