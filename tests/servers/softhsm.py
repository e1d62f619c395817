"""SoftHSM 2: PKCS#11 tokens in files. It is a library, loaded by whoever uses it, and no process."""

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import programs
from tests.servers.process import Server

LABEL = "portable"


@dataclass
class SoftHSM(Server):
    """A library of its own with one token, called `portable`, which holds an HMAC key of the same name.

    The library is a copy, so that two of them in one process are two machines, each with a token of that name. It reads its
    configuration when it is loaded, which happens here.
    """

    pin: str = field(default_factory=lambda: secrets.token_hex(6), init=False, repr=False)
    module: Path = field(default_factory=Path, init=False)

    def make_key(self, label: str, *, identifier: bytes = b"\1", extractable: bool = False) -> None:
        """Make a generic secret of 256 bits that may sign."""
        from pkcs11 import Attribute, KeyType, Mechanism

        with self._session() as session:
            session.generate_key(
                KeyType.GENERIC_SECRET,
                256,
                label=label,
                id=identifier,
                store=True,
                mechanism=Mechanism.GENERIC_SECRET_KEY_GEN,
                template={Attribute.SENSITIVE: not extractable, Attribute.EXTRACTABLE: extractable, Attribute.SIGN: True},
            )

    def make_aes_key(self, label: str) -> None:
        """Make a key that no HMAC can be made with."""
        from pkcs11 import Attribute, KeyType

        with self._session() as session:
            template = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
            session.generate_key(KeyType.AES, 256, label=label, store=True, template=template)

    def remove_key(self, label: str) -> None:
        """Remove a key for good."""
        with self._session() as session:
            session.get_key(label=label).destroy()

    def hmac_sha256(self, label: str, message: bytes) -> bytes:
        """Return what the token makes of a message."""
        from pkcs11 import Mechanism

        with self._session() as session:
            return bytes(session.get_key(label=label).sign(message, mechanism=Mechanism.SHA256_HMAC))

    def stop(self) -> None:
        """Unload the library and remove its token."""
        import pkcs11

        pkcs11.unload(str(self.module))
        super().stop()
        shutil.rmtree(self._home, ignore_errors=True)  # there is no log

    def _start(self) -> None:
        self._make_token()
        self.make_key(LABEL)

    def _make_token(self) -> None:
        import pkcs11

        (self.data / "tokens").mkdir()
        configuration = self.data / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self.data / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.module = Path(shutil.copy(programs.softhsm2_module(), self.data))
        command = [str(programs.softhsm2_util()), "--init-token", "--free", "--label", LABEL]
        command += ["--pin", self.pin, "--so-pin", secrets.token_hex(6)]
        before = os.environ.get("SOFTHSM2_CONF")
        os.environ["SOFTHSM2_CONF"] = str(configuration)
        try:
            subprocess.run(command, check=True, capture_output=True)
            pkcs11.lib(str(self.module))
        finally:
            if before is None:
                del os.environ["SOFTHSM2_CONF"]
            else:
                os.environ["SOFTHSM2_CONF"] = before

    def _session(self) -> Any:
        import pkcs11

        return pkcs11.lib(str(self.module)).get_token(token_label=LABEL).open(rw=True, user_pin=self.pin)
