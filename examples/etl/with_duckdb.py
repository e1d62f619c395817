"""DuckDB: register the filesystem, and the URLs work in SQL.

python -m examples.etl.with_duckdb portable://lake
"""

import sys

import duckdb
import fsspec

lake = sys.argv[1]

with duckdb.connect() as connection:
    connection.register_filesystem(fsspec.filesystem("portable"))

    # Only the columns and row groups that the query needs are read.
    connection.sql(f"""
        CREATE VIEW december AS
        SELECT region, minutes
        FROM read_parquet('{lake}/visits.parquet') JOIN read_csv('{lake}/patients.csv') USING (patient)
        WHERE month = 12
    """)

    connection.execute(f"""
        COPY (SELECT region, round(avg(minutes), 2) AS minutes FROM december GROUP BY region ORDER BY region)
        TO '{lake}/duckdb/regions.parquet' (FORMAT parquet)
    """)

    # A folder for each department. OVERWRITE_OR_IGNORE, because DuckDB would else list the new folder before anything is in it.
    connection.execute(f"""
        COPY (SELECT department, month, minutes FROM read_parquet('{lake}/visits.parquet'))
        TO '{lake}/duckdb/visits' (FORMAT parquet, PARTITION_BY (department), OVERWRITE_OR_IGNORE)
    """)

    print(connection.sql(f"FROM '{lake}/duckdb/regions.parquet'"))
    print(connection.sql(f"SELECT count(*) AS visits FROM '{lake}/duckdb/visits/*/*.parquet' WHERE department = 'imaging'"))
