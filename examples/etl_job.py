"""An ETL job: reads Parquet and CSV, aggregates, writes Parquet. It names a volume, not a host, so a move does not change it.

PORTABLE_CATALOG=catalog.json PORTABLE_PASSPHRASE_FILE=passphrase.txt python etl_job.py portable://lake
"""

import sys

import pandas as pd
import pyarrow.dataset as ds
from fsspec.core import url_to_fs

lake = sys.argv[1]

visits = pd.read_parquet(f"{lake}/visits", columns=["patient", "department", "minutes"])
patients = pd.read_csv(f"{lake}/patients.csv")
report = (
    visits.merge(patients, on="patient")
    .groupby(["department", "region"], as_index=False)
    .agg(visits=("minutes", "size"), minutes=("minutes", "mean"))
    .round(2)
)
report.to_parquet(f"{lake}/reports/departments.parquet", index=False)

filesystem, path = url_to_fs(f"{lake}/visits")
emergencies = ds.dataset(path, filesystem=filesystem).to_table(filter=ds.field("department") == "emergency")

written = pd.read_parquet(f"{lake}/reports/departments.parquet")
assert written.equals(report)
print(f"{len(visits):,} visits, {emergencies.num_rows:,} of them emergencies; {len(report)} rows of report")
print(report.head(3).to_string(index=False))
