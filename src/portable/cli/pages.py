"""Self-contained HTML pages of this package and of `migrate`: no script, no external resource."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(package: str) -> Environment:
    """Return what fills the templates in the package's folder `templates`: all that is filled in is escaped, and defined."""
    return Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
