"""MiniStack: Amazon S3 in memory, with IAM."""

import secrets
from dataclasses import dataclass, field
from typing import ClassVar

from tests.servers import programs
from tests.servers.process import free_ports
from tests.servers.s3_server import S3Server

ALLOWED = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"""


@dataclass
class MiniStack(S3Server):
    """An S3 server whose key pair is that of an IAM user: its root key would take any secret."""

    provider: ClassVar[str | None] = "ministack"
    _root_key: str = field(default_factory=lambda: "AK" + secrets.token_hex(9).upper(), init=False, repr=False)

    def _start(self) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        root_secret = secrets.token_hex(20)
        environment = {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": self._root_key,
            "AWS_SECRET_ACCESS_KEY": root_secret,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "SERVICES": "s3,iam,sts",
            "HOME": str(self.data),
            "TMPDIR": str(self.data),  # for its file with the process id
        }
        server = self._run([str(programs.ministack())], "ministack.log", environment)
        self._client = self._make_client(self._root_key, root_secret)
        server.wait_until(self._takes_writes, seconds=self.start_seconds)
        self._client.close()
        self._client = None
        iam = self._make_client(self._root_key, root_secret, "iam")
        iam.create_user(UserName="portable")
        iam.put_user_policy(UserName="portable", PolicyName="everything", PolicyDocument=ALLOWED)
        made = iam.create_access_key(UserName="portable")["AccessKey"]
        iam.close()
        self.access_key, self.secret_key = made["AccessKeyId"], made["SecretAccessKey"]
