"""When a signal can interrupt the main thread in what a test is about: its wait for an answer."""

import sys
import threading
from types import FrameType


class Interrupted(Exception):
    """Raised by a signal."""


async def main_thread_waits() -> bool:
    """Whether the main thread waits for a future by now."""
    frame: FrameType | None = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if frame.f_code.co_name == "result":
            return True
        frame = frame.f_back
    return False
