"""xarray and Zarr: each chunk of an array is an object, read and written by several threads at once.

python -m examples.etl.with_xarray portable://lake
"""

import sys

import numpy as np
import pandas as pd
import xarray as xr
import zarr

lake = sys.argv[1]
random = np.random.default_rng(7)

# xarray writes a Zarr group, and opens it again without reading any value.
days = pd.date_range("2024-01-01", periods=366, name="day")
beds = xr.DataArray(random.integers(0, 40, (366, 50)), coords=[days, pd.RangeIndex(50, name="ward")], name="beds")
beds.to_zarr(f"{lake}/zarr/beds.zarr", mode="w", encoding={"beds": {"chunks": (31, 50)}}, consolidated=False)

with xr.open_zarr(f"{lake}/zarr/beds.zarr", consolidated=False) as group:
    print(f"{float(group['beds'].sel(day='2024-03').mean()):.2f} beds taken in March")  # reads the chunks of March

# Zarr alone: shards are objects of many chunks, of which each is read by itself.
scans = zarr.create_array(
    f"{lake}/zarr/scans.zarr", shape=(64, 256, 256), shards=(8, 256, 256), chunks=(1, 256, 256), dtype="u2"
)
scans[:8] = random.integers(0, 4096, (8, 256, 256))

scan = zarr.open_array(f"{lake}/zarr/scans.zarr", mode="r")[3]
print(f"scan 3: {scan.shape}, {int(scan.max())} at most")
