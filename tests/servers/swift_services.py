"""OpenStack Swift with its S3 API in one process, by the system's Python: `/usr/bin/python3 swift_services.py FOLDER`.

FOLDER holds `swift.conf`, a configuration for each service (`account.conf` and so on) with the port that it listens on, and the
device `sda`. The services are Swift's own; what Debian runs as four daemons runs here as green threads, with a dictionary in
place of memcached.
"""

import socket
import sys
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import eventlet
import eventlet.wsgi
from swift.common import utils

STORES = ("account", "container", "object")
DEVICE = "sda"


class Cache:
    """What Swift asks of memcached. Nothing expires: Swift itself deletes what it changes."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def get(self, key: str, **_: object) -> Any:
        """Return what is kept, or None."""
        return self._kept.get(key)

    def set(self, key: str, value: Any, **_: object) -> None:
        """Keep a value."""
        self._kept[key] = value

    def delete(self, key: str, **_: object) -> None:
        """Forget a value."""
        self._kept.pop(key, None)


def serve(home: Path) -> None:
    """Serve until the process is ended."""
    utils.eventlet_monkey_patch()
    utils.set_swift_dir(str(home))
    from swift.common.wsgi import SwiftHttpProtocol, load_app_config, loadapp  # reads swift.conf

    ports = {name: int(load_app_config(str(home / f"{name}.conf"))["bind_port"]) for name in (*STORES, "proxy")}
    for name in STORES:
        make_ring(home / f"{name}.ring.gz", ports[name])
    cache, running = Cache(), []
    for name, port in ports.items():
        listener = eventlet.listen(("127.0.0.1", port), backlog=256)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        running.append(
            eventlet.spawn(
                eventlet.wsgi.server,
                listener,
                with_cache(loadapp(str(home / f"{name}.conf")), cache),
                utils.NullLogger(),
                protocol=SwiftHttpProtocol,
                capitalize_response_headers=False,  # S3 clients look for `ETag`
            )
        )
    for service in running:
        service.wait()


def make_ring(path: Path, port: int) -> None:
    """Write the ring of a service with one device and one partition."""
    from swift.common.ring.ring import RingData

    at = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    device = {"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": DEVICE, **at}
    RingData([array("H", [0])], [device], part_shift=32).save(str(path))


def with_cache(app: Callable[..., Iterable[bytes]], cache: Cache) -> Callable[..., Iterable[bytes]]:
    """Give the cache to every request, as Swift's own filter does with memcached."""

    def cached(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return app({**environ, "swift.cache": cache}, start_response)

    return cached


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
