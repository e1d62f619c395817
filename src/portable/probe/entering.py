"""Before any check: may these credentials write, read, list and delete here? Nothing is left behind where they may not."""

from portable.backends.raw import Raw, Reply
from portable.errors import RefusedError

_FULL = ("quota", "capacity", "storagefull", "insufficientstorage", "diskfull", "toomany")
"""What the codes of hosts have in them that have no room."""

_ELSEWHERE = ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException")


def enter(raw: Raw, prefix: str, url: str) -> None:
    """Make one object, and remove it. Raises: RefusedError (which right is missing, or that there is no room), Unavailable."""
    key = f"{prefix}entry"
    written = raw.put(key, b"portable probe")
    if not written.ok:
        raise RefusedError(f"{url} cannot be probed: {_why(written)}; nothing was written")
    missing = []
    try:
        for right, reply in (("read", raw.send("GET", key)), ("list", raw.page(prefix, most=2).reply)):
            if not reply.ok:
                missing.append(f"{right} ({reply})")
    finally:
        deleted = raw.delete(key)
    if not deleted.ok:
        missing.append(f"delete ({deleted}): {key} is left there")
    if missing:
        raise RefusedError(f"{url} cannot be probed: the credentials may write, and not {', '.join(missing)}")


def _why(reply: Reply) -> str:
    if reply.status == 507 or any(word in reply.code.lower() for word in _FULL):
        return f"there is no room for an object (the host answered {reply})"
    if reply.status in (401, 403):
        return f"the credentials are not known there, or may not write (the host answered {reply})"
    if reply.status in (301, 307) or reply.code in _ELSEWHERE:
        return f"the bucket is in another region: set `region` or `endpoint` (the host answered {reply})"
    if reply.status == 404:
        return f"there is no such bucket or container (the host answered {reply})"
    return f"a plain write is refused (the host answered {reply})"
