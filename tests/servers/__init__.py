"""Real servers on loopback ports, for tests and demonstrations.

Each is a context manager that starts the server, waits until it takes writes, and stops it by process id::

    with SeaweedFS() as s3:
        bucket = s3.make_bucket("lake")
        subprocess.run([...], env={**os.environ, **s3.env("TARGET_")})
"""

from tests.servers.azurite import Azurite
from tests.servers.openbao import OpenBao
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.softhsm import SoftHSM

__all__ = ["Azurite", "OpenBao", "SeaweedFS", "SoftHSM"]
