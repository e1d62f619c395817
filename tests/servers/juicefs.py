"""JuiceFS's S3 gateway over a folder: MinIO's code in front of a file system, which ignores conditions."""

import subprocess
from dataclasses import dataclass
from typing import ClassVar

from tests.servers import programs
from tests.servers.process import free_ports
from tests.servers.s3_server import S3Server


@dataclass
class JuiceFS(S3Server):
    """An S3 server whose buckets are folders of a file system, with its metadata in SQLite."""

    provider: ClassVar[str | None] = "juicefs"

    def _start(self) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        juicefs, metadata = str(programs.juicefs()), f"sqlite3://{self.data / 'metadata.db'}"
        storage = ["--storage=file", f"--bucket={self.data / 'blocks'}/", "--trash-days=0"]
        subprocess.run([juicefs, "format", *storage, metadata, "portable"], check=True, capture_output=True)
        options = ["--multi-buckets", "--keep-etag", "--object-tag", "--object-meta", "--no-usage-report", "--backup-meta=0"]
        folders = [f"--log={self._home / 'juicefs-gateway.log'}", f"--cache-dir={self.data / 'cache'}"]
        server = self._run(
            [juicefs, "gateway", *options, *folders, metadata, f"127.0.0.1:{port}"],
            "juicefs.log",
            {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key, "HOME": str(self.data)},
        )
        server.wait_until(self._takes_writes, seconds=self.start_seconds)
