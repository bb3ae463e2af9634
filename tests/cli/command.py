"""Runs the command line inside the test's process, as the shell would see it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from penstock.cli import main


@dataclass(frozen=True)
class Answer:
    """What the shell sees."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> Sequence[str]:
        """The lines of standard output."""
        return self.out.splitlines()


class Shell:
    """Calls `penstock` with words."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str) -> Answer:
        """The answer of `penstock <words>`."""
        self._monkeypatch.setattr(sys, "argv", ["penstock", *words])
        code: object = 0
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code or 0
        out, err = self._capsys.readouterr()
        assert isinstance(code, int)
        return Answer(code, out, err)
