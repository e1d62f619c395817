"""pyarrow: datasets of many files, over the fsspec filesystem.

python -m examples.etl.with_pyarrow portable://lake
"""

import sys

import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from fsspec.core import url_to_fs

filesystem, lake = url_to_fs(sys.argv[1])

# Write a folder for each department: pyarrow/visits/department=imaging/part-0.parquet
visits = pq.read_table(f"{lake}/visits.parquet", filesystem=filesystem)
ds.write_dataset(
    visits,
    f"{lake}/pyarrow/visits",
    filesystem=filesystem,
    format="parquet",
    partitioning=["department"],
    partitioning_flavor="hive",
    preserve_order=True,
    existing_data_behavior="overwrite_or_ignore",
)

# Folders that the filter rules out are listed and not opened; of the others, only the columns that are needed are read.
dataset = ds.dataset(f"{lake}/pyarrow/visits", filesystem=filesystem, partitioning="hive")
summer = (ds.field("department") == "emergency") & ds.field("month").isin([7, 8])
minutes = dataset.to_table(columns=["minutes"], filter=summer)["minutes"]
print(f"{len(minutes):,} emergencies in summer, {pc.mean(minutes).as_py():.2f} minutes each")

# One file: what its footer says costs the footer, and one row group costs that row group.
with pq.ParquetFile(f"{lake}/visits.parquet", filesystem=filesystem) as file:
    print(f"{file.metadata.num_rows:,} rows in {file.num_row_groups} row groups")
    march = file.read_row_group(2, columns=["patient"])
print(f"{pc.count_distinct(march['patient']).as_py():,} patients in March")
