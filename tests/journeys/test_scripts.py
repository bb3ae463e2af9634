"""Programs without an event loop: they push, read, fork and end in whatever way, and lose nothing."""

import sqlite3
from pathlib import Path

import pytest

from penstock.app import Penstock
from penstock.engine import JobFilter
from tests.journeys.programs import Ended, run

pytestmark = pytest.mark.slow


def pushed(place: Path) -> list[str]:
    """The types of the stored jobs, in the order of their ids."""
    penstock = Penstock.from_config(place / "penstock.toml")
    jobs = penstock.sync(
        lambda: penstock.group.stores["main"].engine.list(JobFilter(), limit=10_000)
    )
    penstock.close_sync()
    return [job.type for job in reversed(jobs)]


@pytest.fixture(autouse=True)
def configured(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text('[stores.main]\nurl = "sqlite:///penstock.db"\n')


HEAD = """
import os, sys, threading, time
from penstock import JobSpec, Penstock
penstock = Penstock.from_config('penstock.toml')
"""


def test_a_script_pushes_and_ends_without_a_word(tmp_path: Path) -> None:
    ended = run(tmp_path, HEAD + "print(penstock.push_sync(JobSpec('a')).id)")

    assert ended == Ended(0, "1\n", "")
    assert pushed(tmp_path) == ["a"]
    assert not (tmp_path / "penstock.db-wal").exists()  # it was closed, not just left


def test_a_script_may_close_and_go_on(tmp_path: Path) -> None:
    body = """
penstock.push_sync(JobSpec('a'))
penstock.close_sync()
print([one.name for one in threading.enumerate()])
penstock.push_sync([JobSpec('b'), JobSpec('c')])
"""

    assert run(tmp_path, HEAD + body) == Ended(0, "['MainThread']\n", "")
    assert pushed(tmp_path) == ["a", "b", "c"]


ENDS = {
    "an exit": ("sys.exit(3)", 3),
    "an error": ("1 / 0", 1),
    "an exit in the midst of pushes of others": (
        """
def go_on():
    while True:
        penstock.push_sync(JobSpec('b'))
for _ in range(4):
    threading.Thread(target=go_on, daemon=True).start()
for _ in range(20):
    penstock.push_sync(JobSpec('c'))
""",
        0,
    ),
    "a thread that outlives the main one": (
        """
def later():
    threading.main_thread().join()
    penstock.push_sync(JobSpec('later'))
threading.Thread(target=later).start()
""",
        0,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_script_ends_as_it_likes_and_answered_pushes_are_there(tmp_path: Path, end: str) -> None:
    body, code = ENDS[end]

    ended = run(tmp_path, f"{HEAD}penstock.push_sync(JobSpec('a'))\n{body}")

    assert ended.code == code, ended.err
    assert "arning" not in ended.err
    types = pushed(tmp_path)
    assert types[0] == "a"
    assert types.count("c") == (20 if "'c'" in body else 0)
    assert types.count("later") == (1 if "'later'" in body else 0)


def test_many_threads_share_commits(tmp_path: Path) -> None:
    body = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(16) as threads:
    ids = list(threads.map(lambda n: penstock.push_sync(JobSpec('a', {'n': n})).id, range(800)))
print(len(set(ids)))
"""

    assert run(tmp_path, HEAD + body) == Ended(0, "800\n", "")
    with sqlite3.connect(tmp_path / "penstock.db") as database:
        commits: tuple[int] = database.execute("select wakes from store").fetchone()
    assert 0 < commits[0] < 400


FORKS = """
penstock.push_sync([JobSpec('before')])
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        for _ in range(25):
            penstock.push_sync(JobSpec(f'child{number}'))
        sys.exit(0)
    children.append(child)
    penstock.push_sync(JobSpec('parent'))
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_the_children_of_a_fork_push_beside_their_parent(tmp_path: Path) -> None:
    ended = run(tmp_path, HEAD + FORKS)

    assert (ended.code, ended.out, ended.err) == (0, "[0, 0, 0, 0]\n", "")
    types = pushed(tmp_path)
    assert [types.count(f"child{number}") for number in range(4)] == [25] * 4
    assert (types.count("before"), types.count("parent")) == (1, 4)


ALONE = """
import sqlite3
penstock.push_sync(JobSpec('before'))
to_parent, to_child = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    penstock.push_sync(JobSpec('first'))
    os.write(to_parent[1], b'.')
    os.read(to_child[0], 1)
    penstock.push_sync(JobSpec('second'))
    sys.exit(0)
os.read(to_parent[0], 1)
penstock.close_sync()
other = sqlite3.connect('penstock.db')
print(other.execute('select count(*) from job').fetchone()[0])
other.close()  # the last one to close a file deletes its log, if nobody holds it
print(os.path.exists('penstock.db-wal'))
os.write(to_child[1], b'.')
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_what_a_child_has_opened_is_its_own_and_survives_the_parents_close(tmp_path: Path) -> None:
    ended = run(tmp_path, HEAD + ALONE)

    assert ended == Ended(0, "2\nTrue\n0\n", "")
    assert pushed(tmp_path) == ["before", "first", "second"]


INHERITED = """
import asyncio
async def main():
    async with penstock:
        await penstock.push(JobSpec('parent'))
        child = os.fork()
        if child == 0:
            try:
                threading.Thread(target=lambda: penstock.push_sync(JobSpec('child'))).run()
            except RuntimeError as error:
                print(error, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        await penstock.push(JobSpec('parent'))
asyncio.run(main())
"""


def test_a_child_of_an_open_loop_is_refused_and_hurts_nobody(tmp_path: Path) -> None:
    ended = run(tmp_path, HEAD + INHERITED)

    assert (ended.code, ended.err) == (0, "")
    assert "forked while Penstock was open in its parent" in ended.out
    assert pushed(tmp_path) == ["parent", "parent"]


CLOSING = """
import asyncio, signal
async def main():
    asked, let_go = asyncio.Event(), asyncio.Event()
    async def hold():
        asked.set()
        await let_go.wait()
    await penstock.open()
    busy = asyncio.create_task(asyncio.to_thread(penstock.sync, hold))
    await asked.wait()
    closing = asyncio.create_task(penstock.close())
    await asyncio.sleep(0)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            penstock.push_sync(JobSpec('child'))
        except RuntimeError as error:
            print(error, flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    let_go.set()
    await asyncio.gather(busy, closing)
    sys.exit(status)
asyncio.run(main())
"""


def test_a_child_of_a_loop_that_closes_it_is_refused_and_does_not_wait(tmp_path: Path) -> None:
    ended = run(tmp_path, HEAD + CLOSING)

    assert (ended.code, ended.err) == (0, "")
    assert "forked while Penstock was open in its parent" in ended.out
