"""One use of each verb, for tests of how a host is reached and who asks."""

import pytest

from portable.backends.protocol import ABSENT, Attributes, Backend, Matches
from portable.errors import NotFound


def use_every_verb(backend: Backend) -> None:
    """Use every verb once and check what it does."""
    stat = backend.put("a b/ü", b"first", expect=ABSENT, attributes=Attributes(content_type="text/plain"))
    stat = backend.put("a b/ü", b"second", expect=Matches(stat.etag))
    assert bytes(backend.get("a b/ü", 1, 3).data) == b"ec"
    assert backend.stat("a b/ü").etag == stat.etag
    upload = backend.begin("large")
    part_size = backend.capabilities.part_size
    upload.part(1, b"end")
    upload.part(0, bytes(part_size))
    upload.commit(ABSENT)
    abandoned = backend.begin("abandoned")
    abandoned.part(0, b"part")
    abandoned.abort()
    assert {stat.key: stat.size for stat in backend.list()} == {"a b/ü": 6, "large": part_size + 3}
    assert {stat.key for stat in backend.inventory() if "uncommitted" not in stat.details} == {"a b/ü", "large"}
    backend.delete("a b/ü", expect=Matches(stat.etag))
    backend.delete("large")
    with pytest.raises(NotFound):
        backend.stat("large")
    backend.close()
