"""A service that writes all the time: it notes each write that was acknowledged, and repeats what may be repeated.

python steady_writer.py portable://lake NOTES STOP
"""

import sys
import time
from pathlib import Path

import portable
from portable.errors import RetryableError

url, notes, stop = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
volume = portable.open_volume(url)
number = 0
with notes.open("w", buffering=1) as log:
    while not stop.exists():
        key, body = f"events/{number:06}.json", f'{{"event": {number}}}'.encode()
        try:
            volume.write(key, body)
        except RetryableError as error:
            print(f"retry later: {error}", file=sys.stderr)
            continue
        log.write(f"{key}\n")
        number += 1
        time.sleep(0.02)
