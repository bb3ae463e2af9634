"""`penstock completion`, and what is completed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from penstock.cli.main import VERBS
from tests.cli.command import Shell


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_calls_the_command(penstock: Shell, shell: str) -> None:
    answer = penstock("completion", shell)

    assert (answer.code, answer.err) == (0, "")
    assert f"_PENSTOCK_COMPLETE={shell}_complete" in answer.out


def test_bash_takes_the_script(penstock: Shell) -> None:
    script = penstock("completion", "bash").out
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")

    ended = subprocess.run(
        [bash, "-c", f"{script}\ncomplete -p penstock"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "penstock" in ended.stdout


def completed(penstock: Shell, monkeypatch: pytest.MonkeyPatch, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    monkeypatch.setenv("_PENSTOCK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["penstock", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    answer = penstock()
    assert answer.code == 0
    return {line.partition(",")[2] for line in answer.lines if line}


def test_verbs_are_completed(penstock: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(penstock, monkeypatch, "run-") == {"run-jobs", "run-job"}
    assert completed(penstock, monkeypatch, "") == set(VERBS)


def test_options_are_completed(penstock: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(penstock, monkeypatch, "run-jobs", "--max") == {"--maxjobs", "--maxtime"}
    assert completed(penstock, monkeypatch, "--ver") == {"--version"}


@pytest.mark.parametrize(
    "words", [("push",), ("pause",), ("show-jobs", "--type"), ("run-jobs", "--type")]
)
def test_types_are_completed_with_those_of_the_configuration(
    penstock: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    Path("penstock.toml").write_text("[queues.exchange]\nmax_attempts = 2\n")

    assert completed(penstock, monkeypatch, *words, "ex") == {"exec", "exchange"}
    assert not Path("penstock.db").exists()


def test_a_wrong_configuration_completes_nothing(
    penstock: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("penstock.toml").write_text("[queues\n")

    assert completed(penstock, monkeypatch, "push", "ex") == set()
