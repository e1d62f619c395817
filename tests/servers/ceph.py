"""Ceph's object gateway (RGW) from Debian's packages, over a monitor and a storage daemon that keeps all in memory."""

import json
import subprocess
import uuid
from dataclasses import dataclass
from typing import ClassVar

from tests.servers import programs
from tests.servers.process import ServerProcess, free_ports
from tests.servers.s3_server import S3Server

CONFIGURATION = """\
[global]
fsid = {fsid}
mon initial members = a
mon host = [v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind port min = 12000
ms bind port max = 22767
run dir = {home}
admin socket = {home}/$name.asok
log file = {home}/$name.log
pid file = {home}/$name.pid
keyring = {home}/keyring
crash dir = {home}
mon data = {home}/mon
mon data avail warn = 2
mon data avail crit = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
paxos min wait = 0.01
paxos propose interval = 0.01
osd data = {home}/osd
osd objectstore = memstore
osd crush chooseleaf type = 0
osd max object name len = 2048
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
memstore device bytes = 4294967296
rgw data = {home}/rgw
rgw enable usage log = false
rgw enable ops log = false
rgw run sync thread = false
rgw enable quota threads = false
rgw enable lc threads = false
rgw enable gc threads = false
rgw thread pool size = 32
rgw frontends = beast endpoint=127.0.0.1:{port}
"""


@dataclass
class Ceph(S3Server):
    """An S3 server as many European hosts run it."""

    provider: ClassVar[str | None] = "ceph"

    def _start(self) -> None:
        v1, v2, port = free_ports(3)
        self.endpoint = f"http://127.0.0.1:{port}"
        for name in ("mon", "osd", "rgw"):
            (self.data / name).mkdir()
        fsid = str(uuid.uuid4())
        configuration = CONFIGURATION.format(fsid=fsid, home=self.data, mon_v1=v1, mon_v2=v2, port=port)
        (self.data / "ceph.conf").write_text(configuration)
        self._start_monitor(fsid, f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]")
        self._start_storage()
        gateway = self._daemon("radosgw", "rgw.log", "-n", "client.admin")
        pair = [f"--access-key={self.access_key}", f"--secret-key={self.secret_key}"]
        self._tool("radosgw-admin", "user", "create", "--uid=portable", "--display-name=portable", *pair)
        gateway.wait_until(self._takes_writes, seconds=self.start_seconds)

    def _start_monitor(self, fsid: str, address: str) -> None:
        keyring, monmap = str(self.data / "keyring"), str(self.data / "monmap")
        allowed = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"]
        self._call("ceph-authtool", "-C", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        self._call("ceph-authtool", keyring, "--gen-key", "-n", "client.admin", *allowed)
        self._call("monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, monmap)
        self._tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        self._daemon("ceph-mon", "mon.log", "-i", "a", "--keyring", keyring)

    def _start_storage(self) -> None:
        identity, key = str(uuid.uuid4()), self._call("ceph-authtool", "--gen-print-key").strip()
        self._tool("ceph", "--connect-timeout=20", "osd", "new", identity, "-i", "-", given=json.dumps({"cephx_secret": key}))
        self._call("ceph-authtool", "-C", str(self.data / "osd" / "keyring"), "-n", "osd.0", "--add-key", key)
        ring = ["--keyring", str(self.data / "osd" / "keyring")]
        self._tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", identity, *ring)
        self._daemon("ceph-osd", "osd.log", "-i", "0", *ring)

    def _daemon(self, program: str, log: str, *options: str) -> ServerProcess:
        return self._run([str(programs.debian(program)), "-c", str(self.data / "ceph.conf"), *options, "-f"], log)

    def _tool(self, program: str, *arguments: str, given: str = "") -> str:
        return self._call(program, "-c", str(self.data / "ceph.conf"), *arguments, given=given)

    def _call(self, program: str, *arguments: str, given: str = "") -> str:
        command = [str(programs.debian(program)), *arguments]
        return subprocess.run(
            command, input=given, capture_output=True, text=True, check=True, timeout=self.start_seconds
        ).stdout
