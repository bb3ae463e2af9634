"""exec commands: one program of this machine, and what its exit code means for the job."""

import asyncio
import contextlib
import errno
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from penstock.commands.allowance import Allowances
from penstock.commands.fields import Fields
from penstock.commands.kept import clean, fit
from penstock.commands.placeholder import fill
from penstock.commands.program import GRACE, Ended, Program, Ran
from penstock.commands.waiting import until_cancelled
from penstock.errors import Bury, Cancel, JobFailed
from penstock.handler import Context
from penstock.job import JobId
from penstock.serialization import JSON, JSONObject
from penstock.settings import ExecSettings

TIMEOUT = timedelta(seconds=60)
MARGIN = GRACE + timedelta(seconds=3)  # our own deadline comes first, as it says more
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
# In characters. The system takes little more; the time to split and to match what is longer grows with its square.
MAX_COMMAND = 32 * 1024  # of cmd
MAX_WORDS = 128 * 1024  # of argv, in all
MAX_PROGRAM = 4095  # PATH_MAX without its end

_PATH = "/usr/local/bin:/usr/bin:/bin"
_BUSY = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
_ANY_ID = JobId(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecParams:
    """The params of an exec command, checked."""

    argv: Sequence[str]
    field: str  # where the words were given: cmd or argv
    timeout: timedelta | None  # None: as the job says, else 60 s


class ExecCommand:
    """Runs exec commands: `{cmd | argv, timeout}`; `cmd` is split as a shell would, but no shell sees it.

    What may run is said by `[commands.exec] allow`, in patterns as `Allowance` explains them:
    `/srv/jobs/*.sh` without arguments, `/srv/jobs/resize.sh * /srv/images/*.png` with two that match,
    `/srv/jobs/report.sh **` with any. Exit code 0 is success, 75 is tried again, as is what ran too
    long; all else is final. The result is `{"exit_code", "output", "truncated"}`.
    """

    def __init__(self, settings: ExecSettings) -> None:
        self._allowances = Allowances(settings.allow)

    def check(self, params: JSONObject) -> None:
        """BadJob with every wrong field named; NotAllowed, naming the line to add, for other programs."""
        _params(params)
        self._permitted(_params(self.fill(params, _ANY_ID)))

    def timeout(self, params: JSONObject) -> timedelta | None:
        """The command's own timeout, and a little for ending in order."""
        return Fields(params).seconds("timeout", TIMEOUT) + MARGIN

    def fill(self, params: JSONObject, id: JobId) -> JSONObject:
        """The params with the id in the command's words."""
        return {name: fill(value, id) for name, value in params.items()}

    async def run(self, context: Context) -> JSON:
        """The exit code 0 and the output; Bury or JobFailed with both as its result."""
        asked = _params(self.fill(context.params, context.job.id))
        argv = self._permitted(asked)
        timeout = asked.timeout or context.job.details.timeout or TIMEOUT
        program = Program(
            argv,
            environment=_environment(context),
            timeout=timeout,
            hear=context.wrote,
        )
        try:
            ran = await until_cancelled(_in_thread(program, context), context.cancelled)
        except OSError as error:
            raise _not_started(argv[0], error) from error
        return _judged(ran, argv[0], timeout)

    def _permitted(self, asked: ExecParams) -> Sequence[str]:
        return self._allowances.permitted(asked.argv, field=asked.field)


def _params(params: JSONObject) -> ExecParams:
    fields = Fields(params)
    timeout = fields.seconds("timeout", TIMEOUT) if fields.has("timeout") else None
    name = "argv" if fields.has("argv") else "cmd"
    if fields.has("cmd") and name == "argv":
        fields.wrong("cmd", "stands beside argv; give one of them")
    argv = _argv(fields, name)
    fields.done()
    return ExecParams(argv=argv, field=name, timeout=timeout)


def _argv(fields: Fields, name: str) -> Sequence[str]:
    argv = fields.texts("argv") if name == "argv" else _split(fields)
    too_long = _too_long(argv)
    if too_long:
        fields.wrong(name, too_long)
    elif not argv or not argv[0]:
        fields.wrong(name, "names no program; write its path and its arguments")
    elif any("\0" in word for word in argv):
        fields.wrong(name, "holds a NUL character; remove it")
    return argv


def _too_long(argv: Sequence[str]) -> str | None:
    letters = sum(len(word) for word in argv)
    if letters > MAX_WORDS:
        return f"{letters} characters; at most {MAX_WORDS}"
    if argv and len(argv[0]) > MAX_PROGRAM:
        return f"its program has {len(argv[0])} characters; a path has at most {MAX_PROGRAM}"
    return None


def _split(fields: Fields) -> Sequence[str]:
    text = fields.text("cmd")
    if len(text) > MAX_COMMAND:
        fields.wrong("cmd", f"{len(text)} characters; at most {MAX_COMMAND}, or give argv")
        return ["unreadable"]
    try:
        return shlex.split(text)
    except ValueError as error:
        fields.wrong("cmd", f"cannot be split into words: {error}; close every quotation")
        return ["unreadable"]


async def _in_thread(program: Program, context: Context) -> Ran:
    loop = asyncio.get_running_loop()
    running = loop.run_in_executor(context.threads, program.run)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        program.stop()
        if program.started:
            await _end_of(running)
        running.cancel()
        raise


async def _end_of(running: asyncio.Future[Ran]) -> None:
    # A job that is let go may run elsewhere at once: its processes must be gone first, also when the
    # cancel comes twice, as it does where both the job and its task are told.
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({running})
    running.exception()  # looked at, so that nobody reports it as missed


def _environment(context: Context) -> Mapping[str, str]:
    """All that the program learns of us."""
    return {
        "PATH": os.environ.get("PATH", _PATH),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "JOB_ID": str(context.job.id),
        "JOB_ATTEMPT": str(context.attempt),
        "JOB_TYPE": context.job.type,
        "IDEMPOTENCY_KEY": context.idempotency_key,
    }


def _judged(ran: Ran, program: str, timeout: timedelta) -> JSON:
    result = fit(
        {
            "exit_code": ran.exit_code,
            "output": clean(ran.output.decode("utf-8", "replace")),
            "truncated": ran.truncated,
        },
        "output",
    )
    match ran.ended, ran.exit_code:
        case Ended.STOPPED, _:
            raise Cancel(f"{program} was stopped", result=result)
        case Ended.LATE, _:
            seconds = timeout.total_seconds()
            raise JobFailed(f"{program} ran longer than {seconds:g} s", result=result)
        case _, 0:
            return result
        case _, code if code == TRY_AGAIN:
            raise JobFailed(f"{program} asks to try again later (exit code {code})", result=result)
        case _, code:
            raise Bury(f"{program} ended with {_in_words(code)}", result=result)


def _in_words(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _not_started(program: str, error: OSError) -> JobFailed:
    message = f"cannot start {program}: {error.strerror or error}"
    return JobFailed(message) if error.errno in _BUSY else Bury(message)
