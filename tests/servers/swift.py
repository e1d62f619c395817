"""OpenStack Swift behind its S3 API, from Debian's package: a weak target, which refuses conditional writes."""

import getpass
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.servers import programs
from tests.servers.process import free_ports
from tests.servers.s3_server import S3Server

SERVICES = Path(__file__).with_name("swift_services.py")
STORES = ("account", "container", "object")
FILTERS = ("catch_errors", "gatekeeper", "s3api", "tempauth", "copy", "slo", "dlo", "versioned_writes", "symlink")
SWIFT = """\
[swift-hash]
swift_hash_path_suffix = {suffix}
[storage-policy:0]
name = one
default = yes
"""
STORE = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {home}
devices = {home}
mount_check = false
[pipeline:main]
pipeline = {name}
[app:{name}]
use = egg:swift#{name}
"""
PROXY = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {home}
[pipeline:main]
pipeline = {filters} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 5
node_timeout = 20
"""
OPTIONS = {"tempauth": "user_portable_writer = {secret_key} .admin\n", "versioned_writes": "allow_object_versioning = true\n"}


@dataclass
class Swift(S3Server):
    """An S3 server in front of Swift's account, container and object services, with one device."""

    provider: ClassVar[str | None] = "swift"

    def _start(self) -> None:
        interpreter, (*stores, port) = programs.swift_python(), free_ports(4)
        self.endpoint, self.access_key = f"http://127.0.0.1:{port}", "portable:writer"
        home, given = self.data, {"home": self.data, "user": getpass.getuser(), "secret_key": self.secret_key}
        (home / "sda").mkdir()
        (home / "swift.conf").write_text(SWIFT.format(suffix=secrets.token_hex(8)))
        for name, own_port in zip(STORES, stores, strict=True):
            (home / f"{name}.conf").write_text(STORE.format(name=name, port=own_port, **given))
        filters = (f"[filter:{name}]\nuse = egg:swift#{name}\n{OPTIONS.get(name, '')}" for name in FILTERS)
        proxy = PROXY + "".join(filters)
        (home / "proxy.conf").write_text(proxy.format(port=port, filters=" ".join(FILTERS), **given))
        # Isolated: the folder of the script has modules of the same names as Swift's.
        server = self._run([str(interpreter), "-I", "-W", "ignore", str(SERVICES), str(home)], "swift.log")
        server.wait_until(self._takes_writes, seconds=self.start_seconds)
