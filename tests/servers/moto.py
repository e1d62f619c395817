"""moto's server: Amazon S3 as moto understands it, in memory."""

import sys
from dataclasses import dataclass
from typing import ClassVar

from tests.servers.process import free_ports
from tests.servers.s3_server import S3Server


@dataclass
class Moto(S3Server):
    """An S3 server that takes any credentials."""

    provider: ClassVar[str | None] = "moto"

    def _start(self) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        server = self._run([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], "moto.log")
        server.wait_until(self._takes_writes, seconds=self.start_seconds)
