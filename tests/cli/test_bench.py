"""`penstock bench`: tables for people, JSON for programs, and nothing left behind."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.bench import MEASURES
from tests.cli.command import Shell

QUICK = ("bench", "--quick", "--jobs", "1000")


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    place = tmp_path / "room"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def test_a_table_on_standard_output_and_no_bar_beside_it(penstock: Shell, room: Path) -> None:
    answer = penstock(*QUICK, "--only", "push-single")

    assert (answer.code, answer.err) == (0, "")
    assert "push, one by one" in answer.out
    assert "jobs/s" in answer.out
    assert "SQLite" in answer.out
    assert str(room) in answer.out
    assert "batches" not in answer.out


def test_nothing_temporary_is_left(penstock: Shell, room: Path) -> None:
    penstock(*QUICK, "--only", "push-single")

    assert list(room.iterdir()) == []


def test_one_json_object(penstock: Shell) -> None:
    answer = penstock(*QUICK, "--only", "push-single", "--json")

    found = json.loads(answer.out)
    [figure] = found["figures"]
    assert figure["name"] == "push-single"
    assert figure["jobs_per_second"]["median"] > 0
    assert found["populations_jobs"]["waiting"] == 1000


def test_a_federated_store_is_measured_by_its_partitions(penstock: Shell, tmp_path: Path) -> None:
    config = tmp_path / "penstock.toml"
    config.write_text(
        '[stores.east]\nurl = "sqlite:///east.db"\n[stores.wide]\npartitions = { east = 1 }\n'
        '[queues.default]\nstore = "east"\n'
    )

    answer = penstock(*QUICK, "--store", "wide", "--config", str(config))

    assert answer.code != 0
    assert "--store wide: is federated; name one of its partitions" in answer.err


def test_a_store_by_its_url(penstock: Shell) -> None:
    answer = penstock(*QUICK, "--only", "push-single", "--store", "memory://", "--json")

    assert answer.code == 0
    [figure] = json.loads(answer.out)["figures"]
    assert figure["bare_jobs_per_second"] is figure["share"] is None


def test_a_store_by_its_name_in_the_configuration(penstock: Shell) -> None:
    Path("penstock.toml").write_text('[stores.side]\nurl = "sqlite:///side.db"\n')

    answer = penstock(*QUICK, "--only", "push-single", "--store", "side")

    assert answer.code == 0
    assert "store: a new one beside store side" in answer.out
    assert not Path("side.db").exists()


def test_a_name_that_is_not_configured_is_refused(penstock: Shell) -> None:
    Path("penstock.toml").write_text('[stores.side]\nurl = "sqlite:///side.db"\n')

    answer = penstock(*QUICK, "--store", "sied")

    assert answer.code == 78
    assert "did you mean side" in answer.err


def test_a_used_store_is_left_alone(penstock: Shell) -> None:
    Path("penstock.toml").write_text('[stores.main]\nurl = "sqlite:///main.db"\n')
    penstock("push", "http", "--param", "url=http://example.invalid/")

    answer = penstock(*QUICK, "--only", "push-single", "--store", "main")

    assert answer.code == 0
    [job] = json.loads(penstock("show-jobs", "--list", "--json").out)["jobs"]
    assert job["type"] == "http"


def test_a_store_without_engine_is_refused(penstock: Shell) -> None:
    answer = penstock(*QUICK, "--store", "nosuch://place")

    assert answer.code == 78
    assert "nosuch" in answer.err


@pytest.mark.parametrize("words", [("--only", "pushing"), ("--jobs", "999")])
def test_wrong_words_are_wrong_usage(words: tuple[str, str], penstock: Shell) -> None:
    answer = penstock("bench", *words)

    assert answer.code == 2
    assert words[0] in answer.err


def test_help_names_all_measures(penstock: Shell) -> None:
    answer = penstock("bench", "--help")

    shown = "".join(answer.out.split())
    assert [name for name in MEASURES if name not in shown] == []


@pytest.mark.slow
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(tmp_path: Path, room: Path) -> None:
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "penstock.cli", "bench", "--only", "claim-1-queue"]
    environment = {**os.environ, "TMPDIR": str(room)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=its, text=True
    ) as process:
        os.close(its)
        seen = b""
        while b"filling" not in seen:  # a bar, since this is a terminal
            seen += os.read(ours, 1000)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    os.close(ours)

    assert process.returncode == 130
    assert out == ""
    assert list(room.iterdir()) == []
