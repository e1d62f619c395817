"""Values of a profile, and how criteria are decided, as people read them. Pure."""

from typing import Any, Final

from portable.cli.hosts.words import Language, knows, word
from portable.hosts.checks import CHECKS
from portable.hosts.fields import FIELDS
from portable.hosts.requirements import Criterion

_SIZES: Final = (
    *(("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12), ("PB", 10**15)),
    *(("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)),
)


def number(value: float, language: Language) -> str:
    """Return a number with its thousands apart: `10,000`, or in French with narrow spaces."""
    text = f"{int(value) if value == int(value) else value:,}"
    return text if language == "en" else text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")


def size(value: int, language: Language) -> str:
    """Return bytes in the unit, decimal or binary, that says them exactly and with the smallest number."""
    exact = [(value // factor, unit) for unit, factor in _SIZES if value and value % factor == 0]
    if not exact:
        return f"{number(value, language)} {word('bytes', language)}"
    count, unit = min(exact)
    return f"{number(count, language)} {unit if language == 'en' else unit.replace('B', 'o')}"


def shown(value: Any, unit: str | None, language: Language) -> str:
    """Return a field's value with its unit."""
    if isinstance(value, bool):
        return word("yes" if value else "no", language)
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, str):
        return word(value, language) if value in ("held", "not held", "in progress", "other service") else value
    if unit == "bytes":
        return size(value, language)
    if not unit:
        return number(value, language)
    return f"{number(value, language)} {word(unit, language) if knows(unit) else unit}"


def decided(criterion: Criterion, language: Language) -> str:
    """Return how a criterion is decided: `limits.max_parts at least 10,000 parts`."""
    how = criterion.decided
    if how.human is not None:
        return f"{word('human', language)} ({word(how.human, language)})"
    if how.check is not None:
        field = CHECKS[how.check].field
        return f"{word('probe', language)}: {how.check}" + (f" ({word('profile', language)}: {field})" if field else "")
    comparison = criterion.comparison
    if comparison is None or comparison.operator == "held":
        return f"{how.field}: {word('held', language)}"
    from_profile = shown(comparison.operand, how.unit or FIELDS[comparison.field].unit, language)
    return f"{comparison.field} {word(comparison.operator, language)} {from_profile}"
