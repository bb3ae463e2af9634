"""Threads for handlers that block."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from penstock.runner.threads import Calls, Threads
from tests.installation import SOON


def test_a_call_tells_what_it_returns_and_what_it_raises() -> None:
    threads = Threads()

    assert threads.submit(int, "8", base=9).result(SOON) == 8
    with pytest.raises(SystemExit):
        threads.submit(exit_with, 3).result(SOON)


def test_calls_do_not_wait_for_each_other_nor_the_process_for_them() -> None:
    threads = Threads()
    leave = threading.Event()
    stuck: Future[threading.Thread] = Future()

    def block() -> None:
        stuck.set_result(threading.current_thread())
        leave.wait(SOON)

    blocked = threads.submit(block)

    assert stuck.result(SOON).daemon
    assert threads.submit(int).result(SOON) == 0
    leave.set()
    blocked.result(SOON)


def test_a_thread_is_used_again_and_ends_at_the_end() -> None:
    threads = Threads()
    used = set()

    for _ in range(20):
        used.add(threads.submit(threading.current_thread).result(SOON))
    threads.shutdown()
    for thread in used:
        thread.join(SOON)

    assert not any(thread.is_alive() for thread in used)
    assert len(used) < 20


async def test_an_event_loop_runs_calls_in_them() -> None:
    loop = asyncio.get_running_loop()

    assert (
        await loop.run_in_executor(Threads(), threading.current_thread)
        is not threading.main_thread()
    )


def test_calls_wait_for_the_thread_that_serves_them() -> None:
    calls = Calls()
    here, failed = calls.submit(threading.current_thread), calls.submit(exit_with, 3)
    assert not here.done()

    calls.shutdown()
    calls.serve()

    assert here.result(0) is threading.current_thread()
    assert isinstance(failed.exception(0), SystemExit)


def exit_with(code: int) -> None:
    raise SystemExit(code)
