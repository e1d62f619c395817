"""The options that describe a store, shared by every command that takes a URL."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How to reach a store."""

    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="Endpoint of the host.")] = None
    region: Annotated[str | None, typer.Option(help="Region of the host.")] = None
    account: Annotated[str | None, typer.Option(help="Storage account (Azure).")] = None
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="Kind of S3 server, where it is not Amazon's.")] = None
    credentials: Annotated[str, typer.Option(metavar="REF", help="env:PREFIX_, profile:NAME or default; never a secret.")] = (
        "default"
    )


@dataclass(frozen=True, slots=True)
class StoreOptions(HostOptions):
    """How to reach a store, and with which keys."""

    keyring: Annotated[Path | None, typer.Option(metavar="FILE", help="Keyring of an encrypted store.")] = None
    volume: Annotated[str | None, typer.Option(metavar="NAME", help="The volume's name in the keyring.")] = None


@dataclass(frozen=True, slots=True)
class ObjectOptions(StoreOptions):
    """How to reach the store of an object's URL, and where in the URL the store ends."""

    root: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where the store ends and the key begins.  [default: the bucket; for file: the folder]"
        ),
    ] = None


def takes(kind: type[Any], parameter_name: str = "store") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for each field of the dataclass `kind`, in place of the parameter of that name."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(**given: Any) -> None:
            group = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            command(**{parameter_name: group}, **given)

        hints = get_type_hints(kind, include_extras=True)
        options = [
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
            for field in fields(kind)
        ]
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != parameter_name
        ]
        wrapped.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]  # where typer looks
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *options)}
        return wrapped

    return decorate
