"""A program that writes one large object through a proxy, for a test that interrupts it: `URL ENDPOINT put|parts`."""

import sys

from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.volume import Volume


def main() -> None:
    url, endpoint, way = sys.argv[1:]
    backend = open_backend(Location(url, endpoint=endpoint, credentials="env:FAULTS_"))
    body = bytes(3 * backend.capabilities.part_size)
    try:
        if way == "put":
            backend.put("key", body[: backend.capabilities.part_size])
        else:
            Volume(backend, None).write("key", body)
    finally:
        backend.close()


if __name__ == "__main__":
    main()
