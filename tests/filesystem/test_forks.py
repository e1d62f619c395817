"""After a fork: what was opened before is refused in the child, what is opened in it works, and the parent goes on."""

import contextlib
import multiprocessing
import os
import threading
import time
import types
import weakref
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

import portable
from portable.backends.extras import Lazy
from portable.backends.pacing import Pace
from portable.backends.repetition import Budget
from portable.backends.traits import Rates
from portable.errors import ForkedProcess
from portable.forks import ForkSafeLock
from tests.filesystem.forking import in_child

# Forking with threads is what is tested here; Python 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

PATH = "sealed/a"
DATA = bytes(range(256)) * 4096


@pytest.fixture
def filesystem(lakes):
    filesystem = fsspec.filesystem("portable")
    filesystem.pipe(PATH, DATA)
    filesystem.cat(PATH)
    return filesystem


def refused(*acts):
    """Tell which of the acts did not raise ForkedProcess, or took as long as a second: none, when all is well."""
    wrong = []
    for act in acts:
        begun = time.monotonic()
        try:
            act()
        except ForkedProcess as error:
            if "spawn" not in str(error):
                wrong.append(f"{act} does not say what to do: {error}")
        else:
            wrong.append(f"{act} was not refused")
        if time.monotonic() - begun > 1:
            wrong.append(f"{act} took {time.monotonic() - begun} s")
    return "; ".join(map(str, wrong))


def test_what_was_opened_before_a_fork_is_refused_in_the_child(filesystem):
    leased, home = filesystem.volume("sealed"), filesystem.volume("sealed").home()
    reading, writing = filesystem.open(PATH), filesystem.open("sealed/b", "wb")
    reading.read(10)
    writing.write(b"begun by the parent")

    def child():
        return refused(
            lambda: filesystem.cat(PATH),
            lambda: filesystem.info(PATH),
            lambda: filesystem.exists(PATH),
            lambda: filesystem.ls("sealed"),
            lambda: filesystem.find("sealed"),
            lambda: filesystem.rm(PATH),
            lambda: filesystem.open(PATH),
            lambda: filesystem.open("sealed/c", "wb"),
            lambda: filesystem.pipe("sealed/c", b"x"),
            lambda: filesystem.cat_ranges([PATH, PATH], 0, 5, on_error="raise"),
            lambda: reading.read(1),
            lambda: writing.write(b"x"),
            writing.close,
            lambda: leased.read("a"),
            lambda: leased.read_ranges("a", [(0, 1), (900_000, 900_001)]),
            lambda: leased.write("c", b"x"),
            lambda: leased.create("c"),
            lambda: leased.delete("a"),
            lambda: list(leased.list()),
            lambda: list(leased.children()),
            lambda: home.read("a"),
            lambda: home.info("a"),
            lambda: home.open("a"),
            lambda: home.write("c", b"x"),
            lambda: home.delete("a"),
            lambda: list(home.list()),
        )

    assert in_child(child) == ""
    writing.close()
    assert reading.read() == DATA[10:]
    assert filesystem.cat("sealed/b") == b"begun by the parent"
    assert filesystem.ls("sealed", detail=False) == ["sealed/a", "sealed/b"]


def test_a_new_filesystem_and_a_new_volume_work_in_the_child(filesystem):
    def child():
        new = fsspec.filesystem("portable")
        assert new is not filesystem
        new.pipe("sealed/child", b"by the child")
        assert new.cat(PATH) == DATA
        return portable.open_volume("portable://sealed").read("child").decode()

    assert in_child(child) == "by the child"
    assert filesystem.cat("sealed/child") == b"by the child"


def test_a_fork_before_the_first_use_changes_nothing(lakes):
    unused = fsspec.filesystem("portable")

    def child():
        unused.pipe("clear/child", b"by the child")
        return unused.cat("clear/child").decode()

    assert in_child(child) == "by the child"
    assert unused.cat("clear/child") == b"by the child"


def test_children_of_a_busy_parent_neither_hang_nor_mix_its_answers(filesystem):
    """Threads of the parent hold locks and read answers while it is forked."""
    stop, wrong = threading.Event(), []

    def work(number):
        while not stop.is_set():
            key = f"sealed/busy-{number}"
            filesystem.pipe(key, bytes([number]) * 1000)
            if filesystem.cat(key) != bytes([number]) * 1000:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            assert in_child(lambda: refused(lambda: filesystem.cat(PATH), lambda: filesystem.pipe(PATH, b"x"))) == ""
            assert in_child(lambda: str(fsspec.filesystem("portable").cat(PATH) == DATA)) == "True"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert filesystem.cat(PATH) == DATA


def test_what_the_child_lets_go_of_is_not_written(filesystem):
    held = [filesystem.open("sealed/never", "wb")]
    held[0].write(b"x" * 100)

    def child():
        with contextlib.suppress(ForkedProcess):
            held.clear()
        return "let go"

    assert in_child(child) == "let go"
    assert not filesystem.exists("sealed/never")
    held[0].discard()


def _read(to_open):
    with to_open as file:
        return file.read()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_are_spawned_get_filesystems_and_open_files_by_pickle(filesystem, method):
    context = multiprocessing.get_context(method)
    with context.Pool(1) as pool:
        assert pool.apply(filesystem.cat, (PATH,)) == DATA
        assert pool.apply(_read, (fsspec.open(f"portable://{PATH}"),)) == DATA


def test_the_error_is_a_runtime_error_of_its_own_kind():
    assert issubclass(ForkedProcess, RuntimeError)
    assert ForkedProcess.kind == "forked"
    assert not issubclass(ForkedProcess, OSError)


class _Held:
    """A lock that another thread holds while the process is forked."""

    def __init__(self, lock):
        self._lock, self._taken, self._end = lock, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self):
        with self._lock.own:
            self._taken.set()
            self._end.wait(60)

    def __enter__(self):
        self._thread.start()
        self._taken.wait()

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


def _taken(lock):
    with lock.own:
        return "taken"


def test_a_lock_is_free_in_a_forked_child_whoever_holds_it_in_the_parent():
    lock = ForkSafeLock()
    with _Held(lock):
        assert in_child(lambda: _taken(lock) + in_child(lambda: _taken(lock))) == "takentaken"
        waits = threading.Thread(target=_taken, args=(lock,))
        waits.start()
        waits.join(0.1)
        assert waits.is_alive()  # the parent's is held as before
    waits.join()


def test_a_lock_that_nobody_has_is_forgotten():
    lock = ForkSafeLock()
    gone = weakref.ref(lock)
    del lock
    assert gone() is None


def test_a_forked_child_counts_its_requests_though_the_parent_is_counting():
    budget, pace = Budget(10.0), Pace(Rates(reads=100), url="s3://lake", most=1.0)

    def child():
        pace("get", "key", reads=True)
        return f"{budget.take()} {budget.tokens}"

    with _Held(budget._lock), _Held(pace._lock):
        assert in_child(child) == "True 9.0"


def test_a_client_is_made_anew_in_a_forked_child_by_one_of_its_threads():
    made, closed = [], []

    def make():
        made.append(os.getpid())
        time.sleep(0.1)
        return types.SimpleNamespace(process=os.getpid(), close=lambda: closed.append(os.getpid()))

    client = Lazy(make)
    assert client().process == os.getpid()

    def child():
        client.close()
        with ThreadPoolExecutor(8) as pool:
            processes = {each.result().process for each in [pool.submit(client) for _ in range(8)]}
        client.close()
        return f"{processes == {os.getpid()}} {len(made)} {closed == [os.getpid()]}"

    with _Held(client._lock):
        assert in_child(child) == "True 2 True"
    assert client() is client()
    assert made == [os.getpid()]
