"""OpenBao in development mode, with a Transit engine."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import programs
from tests.servers.process import Server, free_ports


@dataclass
class OpenBao(Server):
    """An unsealed service that keeps everything in memory, with a Transit engine at `transit`. The log is `openbao.log`."""

    tls: bool = False
    """Whether it speaks HTTPS, with a certificate of its own making; `ca_file` then has the certificate to trust."""
    ca_file: Path | None = field(default=None, init=False)
    address: str = field(default="", init=False)
    root_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), init=False, repr=False)
    _client: Any = field(default=None, init=False, repr=False)

    @property
    def client(self) -> Any:
        """An hvac client with the root token."""
        if self._client is None:
            import hvac

            self._client = hvac.Client(
                url=self.address, token=self.root_token, timeout=10, verify=str(self.ca_file) if self.ca_file else True
            )
        return self._client

    @property
    def transit(self) -> Any:
        """The Transit engine, with the root token."""
        return self.client.secrets.transit

    def allow(self, rules: Mapping[str, Sequence[str]]) -> str:
        """Make a policy from paths and their capabilities, and return its name."""
        name = f"p-{secrets.token_hex(6)}"
        text = "\n".join(
            f'path "{path}" {{ capabilities = [{", ".join(f"{each!r}" for each in allowed)}] }}'.replace("'", '"')
            for path, allowed in rules.items()
        )
        self.client.sys.create_or_update_policy(name, text)
        return name

    def token(self, rules: Mapping[str, Sequence[str]], ttl: str = "1h") -> str:
        """Return a new token with these rules."""
        made = self.client.auth.token.create(policies=[self.allow(rules)], ttl=ttl)
        return str(made["auth"]["client_token"])

    def stop(self) -> None:
        """Stop the server; all that it kept is gone."""
        if self._client is not None:
            self._client.adapter.close()
            self._client = None
        super().stop()

    def _start(self) -> None:
        (port,) = free_ports(1, offsets=(0, 1))  # the port after it is for the servers of a cluster
        command = [
            str(programs.bao()),
            "server",
            "-dev",
            f"-dev-listen-address=127.0.0.1:{port}",
            "-dev-no-store-token",
            *(["-dev-tls", f"-dev-tls-cert-dir={self.data}"] if self.tls else []),
        ]
        environment = {"HOME": str(self.data), "BAO_DEV_ROOT_TOKEN_ID": self.root_token}
        server = self._run(command, "openbao.log", environment)
        self.address = f"{'https' if self.tls else 'http'}://127.0.0.1:{port}"
        if self.tls:
            ca_file = self.data / "vault-ca.pem"
            server.wait_until(ca_file.exists, seconds=self.start_seconds)
            self.ca_file = ca_file
        server.wait_until(self._is_ready, seconds=self.start_seconds)
        self.client.sys.enable_secrets_engine("transit")

    def _is_ready(self) -> bool:
        from requests.exceptions import RequestException

        try:
            # A dictionary is an answer with status 200: initialised, unsealed, active.
            return isinstance(self.client.sys.read_health_status(method="GET"), dict)
        except RequestException:
            return False
