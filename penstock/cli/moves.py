"""What a verb does to each of the jobs that it was given."""

from collections.abc import Awaitable, Callable, Sequence

from penstock.app import Penstock
from penstock.cli.console import complain, printable, say
from penstock.cli.exits import FAILED, OK
from penstock.errors import CallerError
from penstock.inspection import Inspection
from penstock.job import Job, JobId

Act = Callable[[Inspection, JobId], Awaitable[Job]]


async def move_each(
    penstock: Penstock, verb: str, ids: Sequence[JobId], act: Act, tell: Callable[[Job], str]
) -> int:
    """The exit code once every job was moved, told in a line of its own, or refused with one on standard error.

    One that is refused leaves the others alone; one that is named twice is moved once.
    """
    code = OK
    async with penstock:
        for id in dict.fromkeys(ids):
            try:
                job = await act(penstock.inspection, id)
            except CallerError as error:
                complain(f"penstock {verb}: {error}")
                code = FAILED
            else:
                say(printable(f"job {id} {tell(job)}"))
    return code
