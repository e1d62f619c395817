"""Sample data for the demonstration: synthetic visits of patients who do not exist, and files of other kinds."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

DEPARTMENTS = ("cardiology", "emergency", "imaging", "oncology", "paediatrics")
REGIONS = ("Bretagne", "Corse", "Île-de-France", "Occitanie")


@dataclass
class Sample:
    """One file, with what a host keeps beside its bytes."""

    key: str
    data: bytes
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def samples(seed: int = 20240115) -> Iterator[Sample]:
    """Make the files of the lake: Parquet by month, CSV, text with an accented name, an empty file, and a large binary."""
    random = np.random.default_rng(seed)
    patients = pd.DataFrame({"patient": np.arange(5_000), "region": random.choice(REGIONS, 5_000)})
    yield Sample(
        "patients.csv",
        patients.to_csv(index=False).encode(),
        "text/csv",
        headers={"cache_control": "no-store", "content_language": "fr"},
        metadata={"owner": "registry", "retention_years": "20"},
    )
    for month in range(1, 7):
        visits = pd.DataFrame(
            {
                "patient": random.integers(0, 5_000, 40_000),
                "day": pd.Timestamp(2024, month, 1) + pd.to_timedelta(random.integers(0, 28, 40_000), unit="D"),
                "department": random.choice(DEPARTMENTS, 40_000),
                "minutes": random.integers(5, 240, 40_000),
            }
        )
        stream = io.BytesIO()
        visits.to_parquet(stream, index=False, row_group_size=10_000)
        yield Sample(f"visits/2024-{month:02}.parquet", stream.getvalue(), metadata={"month": f"2024-{month:02}"})
    yield Sample("imaging/scan-0001.dcm", random.bytes(40_000_000), "application/dicom")
    yield Sample("notes/compte rendu d'été.txt", "Patient suivi régulièrement.\n".encode(), "text/plain; charset=utf-8")
    yield Sample("notes/empty.txt", b"", "text/plain")
    for number in range(200):
        yield Sample(f"forms/{number:04}.json", f'{{"form": {number}, "signed": true}}'.encode(), "application/json")
