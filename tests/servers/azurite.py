"""Azurite as an Azure Blob Storage account."""

import base64
import re
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from tests.servers import programs
from tests.servers.audit import Request
from tests.servers.process import Server, free_ports

ACCESS_LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/1\.1" (?P<status>\d{3})')


@dataclass
class Azurite(Server):
    """A storage account with a random key. The log is `azurite.log`, with a line for each request."""

    grace: ClassVar[float] = 0.5  # it would wait for idle connections
    account: str = "portable"
    certificate: tuple[Path, Path] | None = None
    """PEM files of a certificate for 127.0.0.1 and of its key: it then speaks HTTPS, and takes access tokens too."""
    authority: Path | None = None
    """A PEM file of who issued the certificate, for `client`."""
    endpoint: str = field(default="", init=False)
    account_key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(64)).decode(), init=False, repr=False)
    _client: Any = field(default=None, init=False, repr=False)

    def env(self, prefix: str = "") -> dict[str, str]:
        """Return the environment variables that `credentials = "env:PREFIX"` reads."""
        return {
            f"{prefix}AZURE_STORAGE_ACCOUNT": self.account,
            f"{prefix}AZURE_STORAGE_KEY": self.account_key,
            f"{prefix}AZURE_STORAGE_ENDPOINT": self.endpoint,
        }

    def reader_env(self, prefix: str = "") -> dict[str, str]:
        """Return the same with a token, valid for a day, that may only read and list."""
        from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

        token = generate_account_sas(
            self.account,
            self.account_key,
            ResourceTypes(container=True, object=True),
            AccountSasPermissions(read=True, list=True),
            expiry=datetime.now(UTC) + timedelta(days=1),
        )
        return {
            f"{prefix}AZURE_STORAGE_ACCOUNT": self.account,
            f"{prefix}AZURE_STORAGE_SAS_TOKEN": token,
            f"{prefix}AZURE_STORAGE_ENDPOINT": self.endpoint,
        }

    def make_container(self, name: str | None = None) -> str:
        """Create a container (of a random name, where none is given) and return its name."""
        name = name or f"c-{uuid.uuid4().hex[:12]}"
        self.client.create_container(name).close()
        return name

    def remove_container(self, name: str) -> None:
        """Remove a container with all that is in it."""
        self.client.delete_container(name)

    @property
    def client(self) -> Any:
        """A `BlobServiceClient` with the account's key."""
        if self._client is None:
            from azure.storage.blob import BlobServiceClient

            credential = {"account_name": self.account, "account_key": self.account_key}
            verify = str(self.authority) if self.authority else True
            self._client = BlobServiceClient(self.endpoint, credential=credential, retry_total=0, connection_verify=verify)
        return self._client

    def requests(self) -> list[Request]:
        """Return every request that the server has answered until now, in order, by its access log."""
        marker = f"marker-{uuid.uuid4().hex}"
        self.client.get_blob_client("warm-up", marker).exists()
        (server,) = self._servers
        server.wait_until(lambda: any(request.key == marker for request in self._answered()), seconds=10)
        return [request for request in self._answered() if request.bucket != "warm-up"]

    def _answered(self) -> list[Request]:
        (server,), found = self._servers, []
        for line in ACCESS_LINE.finditer(server.log.read_text(errors="replace")):
            _, _, container, key = [*urlsplit(line["target"]).path.split("/", 3), "", ""][:4]
            found.append(Request(line["method"], container, unquote(key), int(line["status"])))
        return found

    def stop(self) -> None:
        """Stop the server and remove its data."""
        if self._client is not None:
            self._client.close()
            self._client = None
        super().stop()

    def _start(self) -> None:
        (port,) = free_ports(1)
        command = [
            str(programs.node()),
            str(programs.azurite()),
            "--blobHost=127.0.0.1",
            f"--blobPort={port}",
            f"--location={self.data}",
            "--loose",  # ignore what it does not know, a checksum of a range, instead of failing
            "--skipApiVersionCheck",
            "--disableTelemetry",
        ]
        if self.certificate:
            command += [f"--cert={self.certificate[0]}", f"--key={self.certificate[1]}", "--oauth=basic"]
        server = self._run(command, "azurite.log", {"AZURITE_ACCOUNTS": f"{self.account}:{self.account_key}"})
        self.endpoint = f"{'https' if self.certificate else 'http'}://127.0.0.1:{port}/{self.account}"
        server.wait_until(self._takes_writes, seconds=self.start_seconds)

    def _takes_writes(self) -> bool:
        from azure.core.exceptions import AzureError, ResourceExistsError

        try:
            container = self.client.get_container_client("warm-up")
            with suppress(ResourceExistsError):
                container.create_container()
            container.upload_blob("warm-up", bytes(64 << 10), overwrite=True)
        except AzureError:
            return False
        return True
