"""SeaweedFS as an S3 server."""

import json
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.servers import programs
from tests.servers.audit import AuditSink, Request
from tests.servers.process import free_ports
from tests.servers.s3_server import S3Server

GRPC_OFFSET = 10_000
"""Each of its services also listens for gRPC on its port plus this."""
SOCKETS = Path("/tmp")  # noqa: S108  # the server's own choice, which it has no option for


@dataclass
class SeaweedFS(S3Server):
    """An S3 server with two identities: one that may do everything, and one that may only read.

    The log is `seaweedfs.log`.
    """

    provider: ClassVar[str | None] = "seaweedfs"
    reader_access_key: str = field(default_factory=lambda: "AK" + secrets.token_hex(9).upper(), init=False)
    reader_secret_key: str = field(default_factory=lambda: secrets.token_hex(20), init=False, repr=False)
    _audit: AuditSink | None = field(default=None, init=False, repr=False)
    _ports: list[int] = field(default_factory=list, init=False, repr=False)

    def reader_env(self, prefix: str = "") -> dict[str, str]:
        """Return what `env` does, for the identity that may only read and list."""
        return self._env(prefix, self.reader_access_key, self.reader_secret_key)

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with all that is in it, at the server's side."""
        self.client.delete_bucket(Bucket=name)

    def requests(self) -> list[Request]:
        """Return every request about a bucket that the server has answered until now, in order, by its own audit log.

        A `PUT` or `POST` with an empty key is about a bucket; a batch delete shows as one `POST` a key.
        """
        assert self._audit is not None
        marker = f"marker-{uuid.uuid4().hex}"
        self.client.put_object(Bucket="warm-up", Key=marker, Body=b"")
        self._audit.wait_for(marker, seconds=10)
        return [request for request in self._audit.requests() if request.bucket not in ("", "warm-up")]

    def stop(self) -> None:
        """Stop the server and remove its data."""
        super().stop()
        if self._audit is not None:
            self._audit.close()
            self._audit = None
        for port in self._ports:
            for left_behind in SOCKETS.glob(f"seaweedfs-*-grpc-{port + GRPC_OFFSET}.sock"):
                left_behind.unlink(missing_ok=True)

    def _start(self) -> None:
        self._audit = AuditSink()
        self._ports = free_ports(5, offsets=(0, GRPC_OFFSET))
        master, volume, filer, s3, admin = self._ports
        home = self.data
        (home / "volumes").mkdir()
        (home / "audit.json").write_text(self._audit.configuration)
        (home / "identities.json").write_text(json.dumps(self._identities()))
        options: dict[str, object] = {
            "dir": home / "volumes",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.port": master,
            "master.telemetry": "false",
            "volume.port": volume,
            "filer.port": filer,
            "filer.localSocket": home / "filer.sock",
            "s3.port": s3,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": home / "s3.sock",
            "s3.config": home / "identities.json",
            "s3.auditLogConfig": home / "audit.json",
            "s3.autoCreateBucket": "false",
            "admin.port": admin,
            "admin.ui": "false",
            "webdav": "false",
        }
        command = [str(programs.weed()), "mini", *(f"-{name}={value}" for name, value in options.items())]
        self.endpoint = f"http://127.0.0.1:{s3}"
        server = self._run(command, "seaweedfs.log", {"WEED_S3_SSE_KEK": secrets.token_hex(32)})
        server.wait_until(self._takes_writes, seconds=self.start_seconds)

    def _identities(self) -> dict[str, Any]:
        def identity(name: str, access_key: str, secret_key: str, actions: list[str]) -> dict[str, Any]:
            return {"name": name, "credentials": [{"accessKey": access_key, "secretKey": secret_key}], "actions": actions}

        everything = ["Admin", "Read", "List", "Tagging", "Write"]
        return {
            "identities": [
                identity("writer", self.access_key, self.secret_key, everything),
                identity("reader", self.reader_access_key, self.reader_secret_key, ["Read", "List"]),
            ]
        }
