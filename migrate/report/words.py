"""Numbers in words, for people. Pure."""

from collections.abc import Iterator
from typing import Final

from migrate.plan import Plan
from migrate.states import Sum
from portable.volume.reading import WINDOW

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")

_ROLLBACK: Final = {
    "never": "There is no way back: what is written after the cutover stays at the target.",
    "sealed": "After the cutover, a rollback would carry changes to an encrypted volume at the old host.",
    "clear": "After the cutover, a rollback would put plaintext back to the old host.",
}


def number(value: int) -> str:
    """Return 1234567 as `1,234,567`."""
    return f"{value:,}"


def size(value: int) -> str:
    """Return bytes in decimal units, three digits and rounded: `1.23 GB`."""
    amount, unit = float(value), _UNITS[0]
    for larger in _UNITS[1:]:
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    if unit == "B":
        return f"{value} B"
    decimals = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:.{decimals}f} {unit}"


def size_class(smallest: int, largest: int) -> str:
    """Return how a class of sizes, whose bounds are powers of ten, is called: `10 kB to under 100 kB`."""
    return f"{_power_of_ten(smallest)} to under {_power_of_ten(largest + 1)}" if largest else "empty"


def _power_of_ten(value: int) -> str:
    unit = (len(str(value)) - 1) // 3
    return f"{value // 1000**unit} {_UNITS[unit]}"


def counted(value: int, noun: str, plural: str | None = None) -> str:
    """Return `1 object`, `1,234 objects`."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def objects(total: Sum) -> str:
    """Return `1,234 objects (1.23 GB)`."""
    return f"{counted(total.objects, 'object')} ({size(total.bytes)})"


def steps(plan: Plan) -> Iterator[str]:
    """Say what will happen, in order, with the numbers of a run in which no request is repeated."""
    skipped = plan.totals.by_state["skipped"]
    if plan.source_pages:
        listing = counted(plan.source_pages, "request")
        yield f"The source was listed: {counted(plan.entries, 'entry', 'entries')} in {listing}."
    if skipped.objects:
        yield f"Left behind: {objects(skipped)}, recorded as skipped with the reason."
    if plan.traffic.objects:
        yield from _copying(plan)
    else:
        yield "Nothing is left to copy."
    if plan.target_pages:
        yield f"The cutover lists both sides again: {counted(plan.source_pages + plan.target_pages, 'request')} in all."
    yield _ROLLBACK[plan.rollback]


def _copying(plan: Plan) -> Iterator[str]:
    traffic = plan.traffic
    yield (
        f"Read from {plan.source}: {objects(Sum(traffic.objects, traffic.read_bytes))} in "
        f"{counted(traffic.gets, 'request')} of at most {WINDOW >> 20} MiB. A keyed digest is taken of each."
    )
    written = f"{number(traffic.puts)} in one PUT each"
    if traffic.uploads:
        written += (
            f", {number(traffic.uploads)} in parts of {traffic.route.capabilities.part_size >> 20} MiB or more "
            f"({counted(traffic.parts, 'part')}, and two requests more for each object)"
        )
    overhead = size(traffic.stored_bytes - traffic.read_bytes)
    assumed = "" if plan.unlocked else " (with frames of the default length)"
    yield (
        f"Encrypted on this machine, and written to {plan.target}: {written}. {size(traffic.stored_bytes)} are stored, "
        f"{overhead} of them for encryption{assumed}."
    )
    if plan.metadata_puts:
        yield f"Up to {counted(plan.metadata_puts, 'PUT')} more write metadata that does not fit into the objects' own slots."
    yield f"`verify` reads every stored byte back ({size(traffic.stored_bytes)}), decrypts it and compares digests."


UNSEEN: Final = (
    "Writers that do not use `portable`: the catalog cannot freeze them.",
    "Access lists, bucket policies and lifecycle rules at either host.",
    "Changes after the listing: the last delta, within the cutover, finds them.",
)
"""What a plan cannot see, and a report has to say."""
