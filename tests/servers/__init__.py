"""Real servers on loopback ports, for tests and demonstrations.

Each is a context manager that starts the server, waits until it takes writes, and stops it by process id::

    with SeaweedFS() as s3:
        bucket = s3.make_bucket("lake")
        subprocess.run([...], env={**os.environ, **s3.env("TARGET_")})
"""

from tests.servers.azurite import Azurite
from tests.servers.ceph import Ceph
from tests.servers.juicefs import JuiceFS
from tests.servers.ministack import MiniStack
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao
from tests.servers.rclone import Rclone
from tests.servers.s3_server import S3Server
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.softhsm import SoftHSM
from tests.servers.swift import Swift

__all__ = [
    "Azurite",
    "Ceph",
    "JuiceFS",
    "MiniStack",
    "Moto",
    "OpenBao",
    "Rclone",
    "S3Server",
    "SeaweedFS",
    "SoftHSM",
    "Swift",
]
