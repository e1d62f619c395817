"""Servers at other addresses than the usual: over TLS, and under names."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from portable.hosts.probe_result import ProbeAnswer, Probed
from tests.probe.servers import environment, probed
from tests.servers import Moto, SeaweedFS
from tests.servers.fault_proxy import FaultProxy


class _At:
    """A server's credentials for another endpoint."""

    def __init__(self, server: Any, endpoint: str, **others: str) -> None:
        self._server, self._endpoint, self._others = server, endpoint, others

    def env(self, prefix: str = "") -> dict[str, str]:
        others = {f"{prefix}{name}": value for name, value in self._others.items()}
        return self._server.env(prefix) | {f"{prefix}AWS_ENDPOINT_URL": self._endpoint} | others


def found(check: str, expected: ProbeAnswer, request: pytest.FixtureRequest) -> Probed:
    """Probe a server at another address."""
    if check == "virtual-addressing":
        return _by_name(request.getfixturevalue("moto" if expected == "yes" else "seaweedfs"))
    return _over_tls(check, request.getfixturevalue("seaweedfs"), request.getfixturevalue("tmp_path"))


def _over_tls(check: str, server: SeaweedFS, folder: Path) -> Probed:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with FaultProxy(server.endpoint, tls=context) as proxy:
        there = _At(server, proxy.endpoint, CA_BUNDLE=str(bundle))
        return probed("", there, f"s3://{server.make_bucket()}", only=[check]).result.checks[check]


def _by_name(server: Moto | SeaweedFS) -> Probed:
    """Probe under the name of this machine, below which every name is this machine's too (RFC 6761, section 6.3)."""
    resolve = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch, environment({}):
        patch.setattr(
            socket,
            "getaddrinfo",
            lambda name, *rest, **more: resolve("127.0.0.1" if str(name).endswith("localhost") else name, *rest, **more),
        )
        there = _At(server, server.endpoint.replace("127.0.0.1", "localhost"))
        check = "virtual-addressing"
        return probed("", there, f"s3://{server.make_bucket()}", only=[check]).result.checks[check]
