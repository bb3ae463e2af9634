"""Where the examples are, and how a user runs them."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def penstock(
    *words: str, example: str, place: Path, environment: Mapping[str, str] | None = None
) -> str:
    """What `penstock <words>` prints in this place, with the example's directory to import from."""
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(EXAMPLES / example)}
    command = [sys.executable, "-m", "penstock.cli", *words]
    done = subprocess.run(
        command,
        cwd=place,
        env={**plain, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
