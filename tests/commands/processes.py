"""Scripts for tests to run, and looking at the processes they leave."""

import os
import select
import textwrap
from pathlib import Path


def script(path: Path, text: str) -> Path:
    """A program of the shell at this path."""
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(text)}")
    path.chmod(0o755)
    return path


def is_gone(pid: int, *, within: float = 5.0) -> bool:
    """Whether the process ends within these seconds, if it has not ended yet."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within)[0])
    finally:
        os.close(handle)
