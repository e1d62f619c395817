"""What every staged upload checks before it commits."""

from portable.errors import ConfigurationError


def check_parts(numbers: list[int], *, key: str, url: str) -> None:
    """Raise ConfigurationError unless the (sorted) part numbers are 0, 1, ... without a gap, and at least one."""
    if not numbers or numbers != list(range(len(numbers))):
        raise ConfigurationError(
            f"commit {key!r} in {url}: parts 0 to {max(numbers, default=0)} are needed, staged are {len(numbers)}"
        )
