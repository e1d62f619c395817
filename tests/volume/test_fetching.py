"""Tasks of a call run side by side, in threads that nobody sees again."""

import copy
import gc
import os
import pickle
import threading

import pytest

from portable.errors import ForkedProcess
from portable.volume.fetching import Fetching


def threads():
    return [each for each in threading.enumerate() if each.name.startswith("portable-read")]


@pytest.fixture
def fetching():
    made = Fetching(4)
    yield made
    made.close()
    assert not threads()


def test_tasks_run_at_once_as_many_as_are_allowed_and_the_caller_does_one(fetching):
    together, seen = threading.Barrier(4), set()

    def task():
        together.wait(10)
        seen.add(threading.current_thread().name)

    fetching.run([task] * 8)
    assert len(seen) == 4
    assert threading.current_thread().name in seen


def test_a_single_task_needs_no_thread(fetching):
    seen = []
    fetching.run([lambda: seen.append(threading.current_thread())])
    fetching.run([])
    assert seen == [threading.current_thread()]
    assert not threads()


def test_for_one_request_at_a_time_there_is_no_thread():
    alone, seen = Fetching(1), set()
    alone.run([lambda: seen.add(threading.current_thread())] * 5)
    assert seen == {threading.current_thread()}
    assert alone.begin(list) is None
    alone.close()


def test_a_task_may_have_tasks_of_its_own_however_many_wait(fetching):
    done = []

    def outer():
        fetching.run([lambda: done.append(1)] * 10)

    fetching.run([lambda: fetching.run([outer] * 5)] * 10)
    assert len(done) == 10 * 5 * 10


def test_the_first_failure_is_raised_and_no_other_task_begins(fetching):
    begun = []

    def fail():
        begun.append(1)
        raise LookupError("this one")

    with pytest.raises(LookupError, match="this one"):
        fetching.run([fail] * 1000)
    assert len(begun) <= 4


def test_a_failure_in_another_thread_is_raised_without_waiting_for_the_caller_s_others(fetching):
    failed, caller = threading.Event(), threading.current_thread()

    def task():
        if threading.current_thread() is caller:
            assert failed.wait(10)
        else:
            failed.set()
            raise LookupError("there")

    with pytest.raises(LookupError, match="there"):
        fetching.run([task] * 50)


def test_an_interrupt_of_the_caller_leaves_nothing_behind(fetching):
    raised = threading.Event()

    def interrupt():
        if threading.current_thread() is threading.main_thread():
            raised.set()
            raise KeyboardInterrupt
        assert raised.wait(10)

    with pytest.raises(KeyboardInterrupt):
        fetching.run([interrupt] * 1000)


def test_after_close_the_caller_does_everything():
    closed, seen = Fetching(4), set()
    closed.run([lambda: None] * 10)
    closed.close()
    assert not threads()
    closed.run([lambda: seen.add(threading.current_thread())] * 10)
    assert seen == {threading.current_thread()}
    assert closed.begin(list) is None
    closed.close()


def test_threads_end_when_nobody_holds_them_any_more():
    forgotten = Fetching(4)
    together = threading.Barrier(4)
    forgotten.run([lambda: together.wait(10)] * 4)
    ending = threads()
    assert ending
    del forgotten
    gc.collect()
    for each in ending:
        each.join(10)
    assert not threads()


def test_threads_are_neither_pickled_nor_copied(fetching):
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="threads"):
            duplicate(fetching)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 on: of the fork that the test is about
def test_a_forked_process_is_told_instead_of_waiting_for_threads_that_it_does_not_have(fetching):
    together = threading.Barrier(4)
    fetching.run([lambda: together.wait(10)] * 4)
    child = os.fork()
    if not child:
        code = 1
        try:
            fetching.run([lambda: None] * 4)
        except ForkedProcess:
            fetching.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
