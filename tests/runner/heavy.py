"""Jobs that run in processes of their own: another process imports them from here."""

import asyncio
import logging
import os
import signal
import subprocess
import sys

from penstock.errors import Bury, Cancel, Retry
from penstock.handler import Context
from penstock.job_class import Job, job
from penstock.serialization import JSON


class Heavy(Job, type="heavy", cpu_bound=True, max_attempts=1):
    """Does what it is told."""

    do: str
    path: str = ""

    def run(self, context: Context) -> JSON:
        match self.do:
            case "echo":
                return [self.path, context.attempt, context.idempotency_key]
            case "pid":
                return os.getpid()
            case "print":
                print("printed by a handler")  # noqa: T201  that is the point
                os.write(1, b"written by a handler\n")
                logging.getLogger("heavy").warning("logged\nby a handler")
                context.log.warning("said")
                return sys.stdin.read()
            case "burn":
                context.report(10, "burning")
                while True:
                    pass
            case "look":
                context.report(10, "looking")
                while not context.cancelled.is_set():
                    pass
                return "saw it"
        return use(self.do) or end(self.do)


def use(what: str) -> JSON:
    """What a process has to offer."""
    match what:
        case "main":
            # What libraries do that want a program to themselves.
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            return asyncio.run(asyncio.sleep(0, "alone"))
        case "path":
            return list(sys.path)
        case "spawn":
            return subprocess.Popen(["sleep", "1000"]).pid
    return None


def end(how: str) -> JSON:
    """End in this way."""
    match how:
        case "false":
            return False
        case "fail":
            raise ValueError("no good")
        case "retry":
            raise Retry("busy", after=300)
        case "bury":
            raise Bury("never", result={"a": 1})
        case "cancel":
            raise Cancel("not wanted")
        case "leave":
            os._exit(3)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "mute":
            os.closerange(3, 100)
            signal.pause()
        case "sys.exit":
            sys.exit(4)
    raise AssertionError(how)


@job(cpu_bound=True, max_attempts=1)
async def heavy_function(context: Context, do: str) -> JSON:
    """Does what it is told, in a loop."""
    if do == "wait":
        context.report(10, "waiting")
        await asyncio.Event().wait()
    if do == "end":
        context.report(10, "ending")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return ["ended", context.cancelled.is_set()]
    if do == "cancel itself":
        raise asyncio.CancelledError
    return [do, context.attempt]
