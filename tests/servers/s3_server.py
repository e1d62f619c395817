"""What the servers that speak S3 have in common."""

import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.servers.process import Server


@dataclass
class S3Server(Server):
    """An S3 server on a loopback port, with one key pair of random values."""

    provider: ClassVar[str | None] = None
    """The name of the profile that describes this kind of server to the S3 backend."""
    region: str = "us-east-1"
    endpoint: str = field(default="", init=False)
    access_key: str = field(default_factory=lambda: "AK" + secrets.token_hex(9).upper(), init=False)
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20), init=False, repr=False)
    _client: Any = field(default=None, init=False, repr=False)

    def env(self, prefix: str = "") -> dict[str, str]:
        """Return the environment variables that `credentials = "env:PREFIX"` reads."""
        return self._env(prefix, self.access_key, self.secret_key)

    def make_bucket(self, name: str | None = None) -> str:
        """Create a bucket (of a random name, where none is given) and return its name."""
        name = name or f"b-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with all that is in it. Raises: botocore's ClientError, where a key cannot be deleted."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=name)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: self.client.delete_object(Bucket=name, Key=key), keys))
        self.client.delete_bucket(Bucket=name)

    @property
    def client(self) -> Any:
        """A boto3 client with the credentials that may do everything."""
        if self._client is None:
            self._client = self._make_client(self.access_key, self.secret_key)
        return self._client

    def stop(self) -> None:
        """Stop the server and remove its data."""
        if self._client is not None:
            self._client.close()
            self._client = None
        super().stop()

    def _takes_writes(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if "warm-up" not in {bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]}:
                self.client.create_bucket(Bucket="warm-up")
            self.client.put_object(Bucket="warm-up", Key="warm-up", Body=bytes(64 << 10))
        except (BotoCoreError, ClientError):
            return False
        return True

    def _make_client(self, access_key: str, secret_key: str, service: str = "s3") -> Any:
        import boto3
        from botocore.config import Config
        from botocore.handlers import add_expect_header

        made = boto3.session.Session().client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=5,
                read_timeout=20,
                retries={"total_max_attempts": 2},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        # It would wait a second for leave to send a body, wherever a server refuses at once.
        made.meta.events.unregister("before-call.s3", add_expect_header)
        return made

    def _env(self, prefix: str, access_key: str, secret_key: str) -> dict[str, str]:
        return {
            f"{prefix}AWS_ACCESS_KEY_ID": access_key,
            f"{prefix}AWS_SECRET_ACCESS_KEY": secret_key,
            f"{prefix}AWS_ENDPOINT_URL": self.endpoint,
            f"{prefix}AWS_REGION": self.region,
        }
