"""The named points at which a process, a connection or a server may die, and the tests that kill it there.

E: a push (E0 before its commit, E1 answer lost, E2 within a batch). D0: a promotion. C: a claim (C0 before its commit,
C1 answer lost). R: a worker (R0 before its handler, R1 within, R2 after). A: an end (A0 before its commit, A1 answer
lost). Z1: a worker that wakes too late. K0: between an end and its follow-up. X1: within a reclaim, and two at once.
S1: the store's server.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

CUTS = (
    "tests/engines/failures/test_cuts.py::test_a_verb_whose_connection_is_cut_has_happened_or_not"
)
KEY = "tests/engines/failures/test_unknown.py::test_the_key_settles_a_push"
CLAIMS = "tests/engines/failures/test_unknown.py::test_lost_claims_are_reclaimed_and_never_given_twice_at_one_fence"
ONCE = "tests/engines/failures/test_unknown.py::test_a_lost_claim_of_an_at_most_once_job_never_runs"
ACK = "tests/engines/failures/test_unknown.py::test_a_repeated_ack_is_not_held_and_the_job_is_done_once"
TAKEN = "tests/engines/failures/test_unknown.py::test_what_upkeep_took_over_unheard_comes_again"
UPKEEPS = (
    "tests/engines/failures/test_processes.py::test_of_several_upkeeps_each_job_is_moved_by_one"
)
WORKER = (
    "tests/engines/failures/test_processes.py"
    "::test_the_jobs_of_a_process_that_was_killed_run_again_until_their_attempts_are_spent"
)
SERVER = (
    "tests/engines/failures/test_server_kills.py::test_every_answer_holds_after_kills_of_the_server"
)
BEFORE = "tests/engines/sqlite/test_kill.py::test_killed_before_the_commit_nothing_has_happened"
AFTER = "tests/engines/sqlite/test_kill.py::test_killed_after_the_commit_everything_has_happened"
FILE = "tests/engines/sqlite/test_kill.py::test_killed_at_any_moment_every_answered_push_is_there"
RERUN = "tests/journeys/test_kills.py::test_the_job_of_a_killed_worker_is_run_by_another"
FROZEN = "tests/journeys/test_kills.py::test_a_worker_that_was_frozen_past_its_ttl_changes_nothing"
LATE = "penstock/conformance/ack.py::test_ack_of_an_overtaken_worker_does_nothing_and_the_new_holders_holds"

# On PostgreSQL, MariaDB and Redis; then on SQLite. What is in the suite runs on all.
POINTS = {
    "E0": ((CUTS,), (BEFORE,)),
    "E1": ((CUTS, KEY), (AFTER,)),
    "E2": ((CUTS, SERVER), (BEFORE, AFTER)),
    "D0": ((CUTS, UPKEEPS), (BEFORE, AFTER)),
    "C0": ((CUTS,), (BEFORE,)),
    "C1": ((CUTS, CLAIMS, ONCE), (AFTER,)),
    "R0": ((WORKER,), (RERUN,)),
    "R1": ((WORKER,), (RERUN,)),
    "R2": ((WORKER, CLAIMS), (RERUN,)),
    "A0": ((CUTS, SERVER), (BEFORE,)),
    "A1": ((CUTS, ACK), (AFTER,)),
    "Z1": ((LATE, CLAIMS), (LATE, FROZEN)),
    "K0": ((CUTS, SERVER), (BEFORE, AFTER)),
    "X1": ((CUTS, TAKEN, UPKEEPS), (BEFORE, AFTER)),
    "S1": ((SERVER,), (FILE,)),
}


@pytest.mark.parametrize("point", POINTS)
def test_there_are_tests_that_die_there(point: str) -> None:
    on_servers, on_sqlite = POINTS[point]

    for test in (*on_servers, *on_sqlite):
        file, _, name = test.partition("::")
        assert f"async def {name}(" in (ROOT / file).read_text(), test
