"""The table that the other examples read: synthetic visits of patients who do not exist, one row group for each month of 2024.

    python -m examples.etl.visits portable://lake

writes it as visits.parquet (16 MB, most of it in the column `note`), and the patients' regions as patients.csv.
"""

import sys

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DEPARTMENTS = ("cardiology", "emergency", "imaging", "oncology")
REGIONS = ("Bretagne", "Corse", "Occitanie")
PATIENTS, VISITS_A_MONTH = 3_000, 5_000


def patients() -> pd.DataFrame:
    numbers = np.arange(PATIENTS)
    return pd.DataFrame({"patient": numbers, "region": np.take(REGIONS, numbers % len(REGIONS))})


def month(number: int) -> pa.Table:
    random = np.random.default_rng(number)
    return pa.table(
        {
            "patient": random.integers(0, PATIENTS, VISITS_A_MONTH),
            "month": np.full(VISITS_A_MONTH, number),
            "department": random.choice(DEPARTMENTS, VISITS_A_MONTH),
            "minutes": random.integers(5, 240, VISITS_A_MONTH),
            "note": [random.bytes(128).hex() for _ in range(VISITS_A_MONTH)],
        }
    )


def write(lake: str) -> None:
    with fsspec.open(f"{lake}/visits.parquet", "wb") as file, pq.ParquetWriter(file, month(1).schema) as writer:
        for number in range(1, 13):
            writer.write_table(month(number))
    patients().to_csv(f"{lake}/patients.csv", index=False)


if __name__ == "__main__":
    write(sys.argv[1])
