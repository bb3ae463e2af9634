"""Taking in what is written into a pipe."""

import os
from collections.abc import Iterator
from typing import IO

import pytest

from penstock.commands.output import Bell, Output
from penstock.policy import MAX_RESULT


@pytest.fixture
def bell() -> Iterator[Bell]:
    """A bell, closed at the end."""
    bell = Bell()
    yield bell
    bell.close()


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Both ends of a pipe."""
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as end, os.fdopen(write, "wb", buffering=0) as start:
        yield end, start


def test_what_is_written_is_taken_in(bell: Bell, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    with Output(pipe[0], bell) as output:
        pipe[1].write(b"one")
        output.take_in(5)
        pipe[1].write(b"two")
        output.take_in(5)

        assert (output.kept, output.truncated) == (b"onetwo", False)


def test_more_than_is_kept_is_taken_in_all_the_same(
    bell: Bell, pipe: tuple[IO[bytes], IO[bytes]]
) -> None:
    with Output(pipe[0], bell) as output:
        for _ in range(3 * MAX_RESULT // 4096):
            pipe[1].write(b"x" * 4096)  # it would block if nobody took it
            output.take_in(5)

        assert (len(output.kept), output.truncated) == (MAX_RESULT, True)


def test_whoever_listens_hears_each_piece_at_once_and_all_of_it(
    bell: Bell, pipe: tuple[IO[bytes], IO[bytes]]
) -> None:
    heard: list[bytes] = []
    with Output(pipe[0], bell, heard.append) as output:
        pipe[1].write(b"one")
        output.take_in(5)
        assert heard == [b"one"]

        for _ in range(2 * MAX_RESULT // 4096):
            pipe[1].write(b"x" * 4096)
            output.take_in(5)
        pipe[1].write(b"last")
        output.drain()
        pipe[1].close()
        output.drain()

    assert len(b"".join(heard)) == 3 + 2 * MAX_RESULT + 4
    assert heard[-1] == b"last"


def test_a_ring_ends_the_wait_once(bell: Bell, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    with Output(pipe[0], bell) as output:
        bell.ring()
        output.take_in(5)
        output.take_in(0)
        pipe[1].write(b"after")
        output.take_in(5)

        assert output.kept == b"after"


def test_a_wait_may_be_meant_to_last_for_years(
    bell: Bell, pipe: tuple[IO[bytes], IO[bytes]]
) -> None:
    with Output(pipe[0], bell) as output:
        pipe[1].write(b"one")
        output.take_in(3660 * 24 * 3600)

        assert output.kept == b"one"


def test_the_rest_is_drained_without_waiting(bell: Bell, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    with Output(pipe[0], bell) as output:
        pipe[1].write(b"rest")
        output.drain()
        output.drain()

        assert output.kept == b"rest"


def test_after_the_end_only_the_bell_is_heard(
    bell: Bell, pipe: tuple[IO[bytes], IO[bytes]]
) -> None:
    with Output(pipe[0], bell) as output:
        pipe[1].close()
        output.take_in(5)
        bell.ring()
        output.take_in(5)
        output.drain()

        assert output.kept == b""


def test_a_closed_bell_may_be_rung_and_closed() -> None:
    bell = Bell()
    bell.close()

    bell.ring()
    bell.close()
