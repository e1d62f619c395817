"""What the providers need beyond the core is loaded when a protector needs it, and not before."""

import json
import subprocess
import sys

LOADED = """
import json, sys
import portable, portable.keys.keyring, portable.keys.transit, portable.keys.pkcs11
from portable.keys.pkcs11 import Pkcs11Identity
from portable.keys.pkcs11_edge import Pkcs11Access
from portable.keys.transit import TransitIdentity
from portable.keys.transit_edge import TransitAccess
TransitIdentity(TransitAccess.from_environment({"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_TOKEN": "t"}))
Pkcs11Identity(Pkcs11Access.from_environment({}))
print(json.dumps(sorted(sys.modules)))
"""


def test_neither_hvac_nor_python_pkcs11_is_loaded_without_need() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "portable.keys.transit" in loaded
    assert {"hvac", "pkcs11", "requests"}.isdisjoint(loaded)
