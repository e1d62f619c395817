"""SeaweedFS as an S3 server."""

import json
import secrets
import shutil
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers import programs
from tests.servers.audit import AuditSink, Request
from tests.servers.process import ServerProcess, free_ports

GRPC_OFFSET = 10_000
"""Each of its services also listens for gRPC on its port plus this."""
SOCKETS = Path("/tmp")  # noqa: S108  # the server's own choice, which it has no option for
START_SECONDS = 60.0


@dataclass
class SeaweedFS:
    """An S3 server with two identities: one that may do everything, and one that may only read.

    `folder` holds data, configuration and log (`seaweedfs.log`); without one a temporary folder is made, and removed at exit.
    """

    folder: Path | None = None
    region: str = "us-east-1"
    endpoint: str = field(default="", init=False)
    access_key: str = field(default_factory=lambda: "AK" + secrets.token_hex(9).upper(), init=False)
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30), init=False, repr=False)
    reader_access_key: str = field(default_factory=lambda: "AK" + secrets.token_hex(9).upper(), init=False)
    reader_secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30), init=False, repr=False)
    _server: ServerProcess | None = field(default=None, init=False, repr=False)
    _audit: AuditSink | None = field(default=None, init=False, repr=False)
    _home: Path = field(default_factory=Path, init=False, repr=False)
    _ports: list[int] = field(default_factory=list, init=False, repr=False)
    _client: Any = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="seaweedfs-", dir=self.folder))
        self._audit = AuditSink()
        try:
            self._start(self._audit)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._server is not None
        return self._server.pid

    def env(self, prefix: str = "") -> dict[str, str]:
        """Return the environment variables that `credentials = "env:PREFIX"` reads."""
        return self._env(prefix, self.access_key, self.secret_key)

    def reader_env(self, prefix: str = "") -> dict[str, str]:
        """Return the same for the identity that may only read and list."""
        return self._env(prefix, self.reader_access_key, self.reader_secret_key)

    def make_bucket(self, name: str | None = None) -> str:
        """Create a bucket (of a random name, where none is given) and return its name."""
        name = name or f"b-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with all that is in it, at the server's side."""
        self.client.delete_bucket(Bucket=name)

    @property
    def client(self) -> Any:
        """A boto3 client with the credentials that may do everything."""
        if self._client is None:
            import boto3
            from botocore.config import Config

            self._client = boto3.session.Session().client(
                "s3",
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                config=Config(
                    s3={"addressing_style": "path"},
                    connect_timeout=5,
                    read_timeout=20,
                    retries={"max_attempts": 3},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        return self._client

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
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._server is not None:
            self._server.stop(grace=3.0)
            self._server = None
        if self._audit is not None:
            self._audit.close()
            self._audit = None
        shutil.rmtree(self._home / "data", ignore_errors=True)
        for port in self._ports:
            for left_behind in SOCKETS.glob(f"seaweedfs-*-grpc-{port + GRPC_OFFSET}.sock"):
                left_behind.unlink(missing_ok=True)
        if self.folder is None:
            shutil.rmtree(self._home, ignore_errors=True)

    def _start(self, audit: AuditSink) -> None:
        self._ports = free_ports(5, offsets=(0, GRPC_OFFSET))
        master, volume, filer, s3, admin = self._ports
        home, data = self._home, self._home / "data"
        data.mkdir()
        (home / "audit.json").write_text(audit.configuration)
        (home / "identities.json").write_text(json.dumps(self._identities()))
        options: dict[str, object] = {
            "dir": data,
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
        self._server = ServerProcess(command, home / "seaweedfs.log", {"WEED_S3_SSE_KEK": secrets.token_hex(32)})
        self._server.start()
        self.endpoint = f"http://127.0.0.1:{s3}"
        self._server.wait_until(self._takes_writes, seconds=START_SECONDS)

    def _takes_writes(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if "warm-up" not in {bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]}:
                self.client.create_bucket(Bucket="warm-up")
            self.client.put_object(Bucket="warm-up", Key="warm-up", Body=bytes(64 << 10))
        except (BotoCoreError, ClientError):
            return False
        return True

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

    def _env(self, prefix: str, access_key: str, secret_key: str) -> dict[str, str]:
        return {
            f"{prefix}AWS_ACCESS_KEY_ID": access_key,
            f"{prefix}AWS_SECRET_ACCESS_KEY": secret_key,
            f"{prefix}AWS_ENDPOINT_URL": self.endpoint,
            f"{prefix}AWS_REGION": self.region,
        }
