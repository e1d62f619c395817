"""pandas: the URL is all that changes.

python -m examples.etl.with_pandas portable://lake
"""

import sys

import pandas as pd

lake = sys.argv[1]

# Of visits.parquet, only these two columns travel, and of them only the row groups of December.
december = pd.read_parquet(f"{lake}/visits.parquet", columns=["patient", "minutes"], filters=[("month", "==", 12)])
patients = pd.read_csv(f"{lake}/patients.csv")

report = december.merge(patients, on="patient").groupby("region", as_index=False)["minutes"].mean().round(2)

# An object appears whole when it is complete, or not at all.
report.to_parquet(f"{lake}/pandas/regions.parquet", index=False)
report.to_csv(f"{lake}/pandas/regions.csv", index=False)
report.to_json(f"{lake}/pandas/regions.jsonl.gz", orient="records", lines=True)  # the ending says how it is compressed

print(pd.read_csv(f"{lake}/pandas/regions.csv").to_string(index=False))
