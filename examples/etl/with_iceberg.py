"""pyiceberg: tables whose metadata and data lie in a volume, by the FileIO `portable.iceberg.PortableFileIO`.

python -m examples.etl.with_iceberg portable://lake sqlite:///tables.db
"""

import sys

import pyarrow as pa
from pyiceberg.catalog import load_catalog

lake, tables = sys.argv[1:]

# Any catalog of pyiceberg's: this one keeps names in SQLite. Every file of a table goes through the FileIO.
catalog = load_catalog(
    "lake",
    **{
        "type": "sql",
        "uri": tables,
        "warehouse": f"{lake}/warehouse",
        "py-io-impl": "portable.iceberg.PortableFileIO",
    },
)
catalog.create_namespace_if_not_exists("clinic")

january = pa.table({"patient": [17, 4, 9], "department": ["imaging", "oncology", "imaging"], "minutes": [25, 50, 40]})
table = catalog.create_table_if_not_exists("clinic.visits", schema=january.schema)
table.append(january)
first = table.current_snapshot().snapshot_id

february = pa.table({"patient": [4, 23], "department": ["oncology", "emergency"], "minutes": [45, 90]})
table.append(february)
table.delete("patient = 9")

# Each version stays readable. A scan opens only the files whose statistics fit the filter.
oncology = table.scan(row_filter="department = 'oncology'", selected_fields=("minutes",)).to_arrow()
print(f"{len(table.scan().to_arrow())} visits now, {len(table.scan(snapshot_id=first).to_arrow())} in the first version")
print(f"oncology: {sum(oncology['minutes'].to_pylist())} minutes")
