"""What a profile says that bears on requests, laid over the contract that its host follows. Pure.

Of several claims the most careful one acts: the smallest of what is allowed at most, the largest of what is asked at least.
What is unverified never acts. A contract was tried on a server or read in its documents, so how requests are made (`_MANNERS`)
is changed only by what the provider itself says.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from portable.backends.traits import Contract
from portable.hosts.profile import Profile

_Combined = Callable[[Any, list[Any]], Any]
"""From the contract's value and those that are claimed (one at least) to the one that acts."""


def _least(own: int, claimed: list[int]) -> int:
    """Return the least amount, where 0 in a contract is no bound."""
    return min([*claimed, *([own] if own else [])])


def _most(own: int, claimed: list[int]) -> int:
    return max(own, *claimed)


def _addressing(own: str, claimed: list[tuple[str, ...]]) -> str:
    styles = set().union(*claimed)
    return own if own in styles else min(styles)


def _listing(own: int, claimed: list[int]) -> int:
    return claimed[0] if len(set(claimed)) == 1 else own


def _encoded(own: bool, claimed: list[bool]) -> bool:  # noqa: FBT001  # as the others of the table
    return own and all(claimed)


def _payload(own: str, claimed: list[bool]) -> str:
    return own if all(claimed) else "signed"


def _classes(_own: tuple[str, ...], claimed: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the classes that every source names."""
    return tuple(name for name in claimed[0] if all(name in classes for classes in claimed))


_MANNERS: Final[Mapping[str, tuple[str, _Combined]]] = {
    "endpoint.addressing": ("addressing", _addressing),
    "quirks.list_version": ("listing", _listing),
    "quirks.list_url_encode": ("encoded", _encoded),
    "quirks.unsigned_payload": ("payload", _payload),
}
_BOUNDS: Final[Mapping[str, tuple[str, _Combined]]] = {
    "limits.max_parts": ("parts.most", _least),
    "limits.min_part_size": ("parts.smallest", _most),
    "limits.max_part_size": ("parts.largest", _least),
    "limits.max_put_size": ("parts.largest", _least),
    "limits.max_object_size": ("parts.whole", _least),
    "limits.upload_seconds": ("parts.seconds", _least),
    "limits.max_key_bytes": ("keys.longest", _least),
    "limits.read_rate": ("rates.reads", _least),
    "limits.write_rate": ("rates.writes", _least),
    "storage.classes": ("storage.classes", _classes),
}
ACTING: Final[Mapping[str, str]] = {path: to for path, (to, _) in (*_MANNERS.items(), *_BOUNDS.items())}
"""Which field of a contract each field of a profile bears on."""


def acting(contract: Contract, profile: Profile, region: str | None) -> Contract:
    """Return the contract with what the profile says of this host, in this region."""
    data = msgspec.to_builtins(contract)
    for table, confidences in ((_MANNERS, ("primary",)), (_BOUNDS, ("primary", "secondary"))):
        for path, (to, combined) in table.items():
            claimed = [said.value for said in profile.said_of(path, region) if said.source.confidence in confidences]
            if claimed:
                place, name = _place(data, to.split("."))
                place[name] = combined(place[name], claimed)
    _fit(data["parts"])
    return msgspec.convert(data, Contract)


def _place(data: dict[str, Any], path: Iterable[str]) -> tuple[dict[str, Any], str]:
    *tables, name = path
    for table in tables:
        data = data[table]
    return data, name


def _fit(parts: dict[str, Any]) -> None:
    """Make the size of parts fit between the least and the most."""
    parts["smallest"] = min(parts["smallest"], parts["largest"])
    parts["size"] = min(max(parts["size"], parts["smallest"]), parts["largest"])
