"""What never leaves the process that made it."""

from typing import NoReturn


class Resident:
    """An object that prints as its store's URL and refuses to be pickled: it holds connections and credentials."""

    url: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is never pickled: send its Location, and open that there")
