"""Programs of users, whole: written into a directory and run there, with every warning an error."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

STRICT = ("-W", "error")
SOON = 40.0  # seconds after which a program hangs


@dataclass(frozen=True)
class Ended:
    """What a program said and how it ended."""

    code: int
    out: str
    err: str


def run(place: Path, program: str, *words: str) -> Ended:
    """The program in a process of its own, once it has ended by itself."""
    (place / "program.py").write_text(program)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PENSTOCK_")}
    answer = subprocess.run(
        [sys.executable, *STRICT, "program.py", *words],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SOON,
        check=False,
    )
    return Ended(answer.returncode, answer.stdout, answer.stderr)
