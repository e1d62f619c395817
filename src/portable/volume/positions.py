"""Where an open file stands, for threads that move about in it at the same time."""

from threading import get_ident


class Positions:
    """The position of a file, and those that threads have moved to and not read from yet, in bytes.

    A thread reads from where it has moved itself; else from where the file stands, which is where the last move or read led. So
    a `seek` and the `read` after it belong together in each of several threads that share one file (DuckDB reads so), and a
    thread may also read on where another one has moved or ended (as pools of threads do, one call after another).

    No call waits, and each is safe to make from any thread.
    """

    def __init__(self) -> None:
        self._stands = 0
        self._moves: dict[int, int] = {}
        self._mover = 0

    @property
    def here(self) -> int:
        """Where the calling thread would read."""
        return self._moves.get(get_ident(), self._stands)

    @property
    def contended(self) -> bool:
        """Whether any thread has moved and not read yet."""
        return bool(self._moves)

    def move(self, position: int) -> None:
        """Move to `position`: the calling thread, and the file for those that do not move themselves."""
        self._mover = get_ident()
        self._moves[self._mover] = self._stands = position

    def own(self) -> int | None:
        """Return where the calling thread has moved, once; None where it has not moved since it read last."""
        return self._moves.pop(get_ident(), None)

    def shared(self) -> int:
        """Return where the file stands, for a thread that has not moved: the last move of another one was made for it."""
        self._moves.pop(self._mover, None)
        return self._stands

    def stand(self, position: int) -> None:
        """Note where a read has ended."""
        self._stands = position
