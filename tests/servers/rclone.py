"""rclone as an S3 server over a folder: a weak target, which ignores conditions."""

from dataclasses import dataclass
from typing import ClassVar

from tests.servers import programs
from tests.servers.process import free_ports
from tests.servers.s3_server import S3Server


@dataclass
class Rclone(S3Server):
    """An S3 server whose buckets are folders."""

    provider: ClassVar[str | None] = "rclone"

    def _start(self) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        options = ["--config=/dev/null", f"--addr=127.0.0.1:{port}", "--vfs-cache-mode=off", str(self.data)]
        environment = {"RCLONE_AUTH_KEY": f'"{self.access_key},{self.secret_key}"'}  # a line of CSV with one field
        server = self._run([str(programs.rclone()), "serve", "s3", *options], "rclone.log", environment)
        server.wait_until(self._takes_writes, seconds=self.start_seconds)
