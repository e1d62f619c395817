"""Runs a function in a forked child, and ends the child if it does not end itself."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable


def in_child(act: Callable[[], str], *, seconds: float = 20.0) -> str:
    """Return what `act` returns in a forked child. Fails where it raises, or has not returned after `seconds`."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        try:
            answer = act()
            with os.fdopen(send, "w") as pipe:
                pipe.write(answer)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - nothing may leave the child by this test's own frames
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
    os.close(send)
    watchdog = threading.Timer(seconds, os.kill, (child, signal.SIGKILL))
    watchdog.start()
    try:
        with os.fdopen(receive) as pipe:
            answer = pipe.read()
    finally:
        _, status = os.waitpid(child, 0)
        watchdog.cancel()
    ended = os.waitstatus_to_exitcode(status)
    assert ended == 0, (
        f"the child hung for {seconds} s" if ended == -signal.SIGKILL else "the child failed: see what it printed"
    )
    return answer
