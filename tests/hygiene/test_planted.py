"""The searches of this folder find what they look for."""

import base64

import pytest

from tests.hygiene.conftest import Custody
from tests.hygiene.planted import Planted, reachable


@pytest.mark.parametrize(
    "written",
    [
        lambda secret: secret,
        lambda secret: b"key=" + secret.hex().encode(),
        lambda secret: repr({"key": secret}).encode(),
        lambda secret: str(list(secret)).encode(),
        lambda secret: b"?sig=" + base64.b64encode(secret).replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D"),
        lambda secret: base64.urlsafe_b64encode(secret).rstrip(b"="),
    ],
)
def test_a_secret_is_recognised_in_every_spelling(written) -> None:
    planted = Planted()
    secret = bytes(range(200, 232))
    planted.plant("key", secret)
    assert planted.found_in(b"before " + written(secret) + b" after") == {"key"}
    assert planted.found_in(b"before " + written(secret[::-1]) + b" after") == set()


def test_the_walk_over_objects_reaches_the_keys_that_a_keyring_holds(custody: Custody) -> None:
    kinds = {type(found).__name__ for found in reachable(custody.unlocked)}
    assert {"UnlockedKeyring", "Body", "VolumeRecord", "EpochKey", "RecipientRecord", "Keyring"} <= kinds
