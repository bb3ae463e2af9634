"""What verbs do to each of many jobs: a reader that goes away, or a job that refuses, holds up none."""

import os
import subprocess
import sys

from tests.cli.command import Shell
from tests.cli.jobs import push, state_of
from tests.installation import SOON


def test_a_reader_that_goes_away_holds_up_no_move(penstock: Shell) -> None:
    ids = [push(penstock, "greet") for _ in range(3)]
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "cancel", *map(str, ids)],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=SOON * 2,
        check=False,
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert {state_of(penstock, id) for id in ids} == {"cancelled"}
