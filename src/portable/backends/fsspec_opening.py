"""From a `fsspec+PROTOCOL:` location to a filesystem that is ours alone, its options taken from the environment.

    PREFIX_FSSPEC_OPTIONS   for `credentials = "env:PREFIX_"`: the filesystem's options, a JSON object

With `credentials = "default"` the options are those of fsspec's own configuration (`fsspec.config`: files in
~/.config/fsspec, FSSPEC_PROTOCOL_OPTION), and what the filesystem's library finds for itself.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Final

from fsspec import get_filesystem_class
from fsspec.config import apply_config

from portable.backends.fsspec_backend import FsspecBackend
from portable.backends.fsspec_errors import translated
from portable.backends.location import Location
from portable.backends.redaction import redact_logs
from portable.errors import ConfigurationError, PortableError

_UNSUITED: Final = frozenset({"portable", "cached", "blockcache", "filecache", "simplecache"})
"""Filesystems that keep copies, which would hide another version, and our own."""
_ELSEWHERE: Final = ("endpoint", "region", "account", "provider")


def open_fsspec(location: Location, bound: float) -> FsspecBackend:
    """Open a `fsspec+PROTOCOL:` location; nothing is sent to its host yet.

    Raises: ConfigurationError (unknown protocol, missing package, options that are no JSON object or that it refuses).
    """
    redact_logs()
    kind = _filesystem_class(location)
    options = _options(location, kind)
    address = f"{location.protocol}://{location.url.partition('://')[2]}"
    try:
        root = kind._strip_protocol(address)  # noqa: SLF001  # fsspec's documented hook for paths
        filesystem = kind(**{**kind._get_kwargs_from_urls(address), **options, "skip_instance_cache": True})  # noqa: SLF001  # as fsspec does
    except Exception as error:  # noqa: BLE001  # any class may be underneath, and its words may repeat the options
        told = translated(error, operation="open", key="", url=location.url)
        raise _configuration(told, location) from None
    if not address.rstrip("/").endswith(root.strip("/")):
        raise ConfigurationError(f"{location.url}: the filesystem reads the path as {root!r}: name a plain folder or prefix")
    _settle(filesystem)
    return FsspecBackend(filesystem, root, url=location.url, bound=bound, owned=True)


def _filesystem_class(location: Location) -> Any:
    if location.protocol in _UNSUITED:
        raise ConfigurationError(f"{location.url}: {location.protocol} is no filesystem of a host: name the one underneath")
    try:
        return get_filesystem_class(location.protocol)
    except ValueError:
        raise ConfigurationError(f"{location.url}: fsspec knows no filesystem {location.protocol!r}") from None
    except ImportError as error:
        raise ConfigurationError(
            f"{location.url}: the package of fsspec's {location.protocol!r} is not installed ({error.name or 'see fsspec'})"
        ) from None


def _options(location: Location, kind: Any, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the options that the credentials of the location refer to."""
    reference, _, prefix = location.credentials.partition(":")
    variable = f"{prefix}FSSPEC_OPTIONS"
    given = [name for name in _ELSEWHERE if getattr(location, name) is not None]
    if given:
        raise ConfigurationError(f"{location.url}: {given[0]!r} is no setting of fsspec filesystems: say it in {variable}")
    if reference == "profile":
        raise ConfigurationError(
            f"credentials {location.credentials!r} of {location.url}: fsspec has no profiles; use env:PREFIX_"
        )
    if reference == "default":
        return {}
    if not environment.get(variable):
        raise ConfigurationError(f"credentials {location.credentials!r} of {location.url}: set {variable} to a JSON object")
    try:
        options = json.loads(environment[variable])
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise ConfigurationError(f"{variable} is not a JSON object of the options of {location.protocol!r}")
    # fsspec would mix in what its configuration holds, which is meant for another store.
    if foreign := sorted(set(apply_config(kind, {})) - set(options)):
        raise ConfigurationError(
            f"{location.url}: fsspec's own configuration sets {', '.join(foreign)}, and {variable} does not: "
            "say it there, or take it out of the configuration"
        )
    return options


def _configuration(error: PortableError, location: Location) -> ConfigurationError:
    return ConfigurationError(f"{location.url}: the filesystem does not take its options: {error}")


def _settle(filesystem: Any) -> None:
    """Have no listing kept and each request sent once, where the filesystem has settings for it.

    They are set here because not every filesystem takes them as options: what may be repeated is decided above.
    """
    if hasattr(getattr(filesystem, "dircache", None), "use_listings_cache"):
        filesystem.dircache.use_listings_cache = False
    if isinstance(getattr(filesystem, "retries", None), int):
        filesystem.retries = 1
