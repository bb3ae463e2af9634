"""`penstock worker`: runs jobs until stopped, in one process or in several under a parent."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.starting import opened, wait_for_stores
from penstock.errors import SettingsError
from penstock.settings import Settings, nearest

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds before a child that died is replaced: a crash loop must not spin


@click.command("worker", epilog="Example: penstock worker --type http --type send_mail --procs 2")
@options.config
@options.app
@options.data
@options.profile
@options.types
@options.domains
@click.option(
    "--slots", type=click.IntRange(1, 10_000), help="How many jobs run at once in a process."
)
@click.option(
    "--procs",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many processes run jobs, each with its own slots.",
)
@wait_for_stores
@click.option("--name", hidden=True, help="The worker's name; chosen by its parent.")
def command(
    config: Path | None,
    app: str | None,
    data: Path | None,
    profile: str,
    types: Sequence[str],
    domains: Sequence[str],
    slots: int | None,
    procs: int,
    patience: float,
    name: str | None,
) -> None:
    """Run jobs until stopped: SIGTERM lets running jobs end, a second one does not wait for them.

    A store that cannot be reached yet is waited for; a wrong configuration ends it at once.

    With --procs the parent restarts a child that dies, and its jobs are ready again at once.
    """
    options.log_to_stderr()
    penstock = options.application(config, app=app, data=data, profile=profile)
    penstock.configure(_with_slots(penstock.settings, slots), worker=name)
    _refuse_unknown(types, penstock.registry.types)
    opening = opened(penstock, timedelta(seconds=patience))
    if procs > 1:
        options.run(_Parent(penstock, procs).run(opening))
        return
    options.run(_work(penstock, opening, types or None, domains or None, is_child=bool(name)))


def _with_slots(settings: Settings, slots: int | None) -> Settings:
    if slots is None:
        return settings
    runner = msgspec.structs.replace(settings.runner, slots=slots)
    return msgspec.structs.replace(settings, runner=runner)


def _refuse_unknown(types: Sequence[str], known: Collection[str]) -> None:
    """A worker of a type that has no handler would wait for ever."""
    for type in types:
        if type not in known:
            raise SettingsError(f"--type {type}: no handler here; {nearest(type, known)}")


async def _work(
    penstock: Penstock,
    opening: AbstractAsyncContextManager[object],
    types: Sequence[str] | None,
    domains: Sequence[str] | None,
    *,
    is_child: bool,
) -> None:
    async with opening, asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(penstock.upkeep().run())
        runner = penstock.runner(types=types, domains=domains)
        options.collect_rarely()
        options.on_signals(runner.stop)
        if is_child:
            _at_end_of_parent(runner.stop)
        log.info("working as %s as process %d", penstock.worker, os.getpid())
        await runner.run()
        upkeep.cancel()


def _at_end_of_parent(stop: Callable[[], None]) -> None:
    """Call `stop` when the parent is gone: it holds the other end of our standard input, and writes nothing."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(sys.stdin)
        stop()

    loop.add_reader(sys.stdin, end)


class _Parent:
    """Keeps children alive and takes back at once what a dead one held."""

    def __init__(self, penstock: Penstock, procs: int) -> None:
        self._penstock = penstock
        self._procs = procs
        self._children: dict[str, Process] = {}
        self._stopping = asyncio.Event()

    async def run(self, opening: AbstractAsyncContextManager[object]) -> None:
        """Run the children until stopped."""
        async with opening, asyncio.TaskGroup() as tasks:
            options.on_signals(self._stop)
            for number in range(self._procs):
                tasks.create_task(self._keep_alive(number))

    def _stop(self) -> None:
        self._stopping.set()
        for child in self._children.values():
            _end(child)

    async def _keep_alive(self, number: int) -> None:
        life = 0
        while not self._stopping.is_set():
            life += 1
            name = f"{self._penstock.worker}.{number}.{life}"
            try:
                code = await self._live(name)
            except OSError as error:
                log.warning("cannot start worker %s: %s", name, error)
            else:
                await self._penstock.forget(name)
                if self._stopping.is_set():
                    return
                log.warning("worker %s died with code %s; another takes its place", name, code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), PAUSE)

    async def _live(self, name: str) -> int:
        """The exit code of a child of this name, once it has ended."""
        child = await self._start(name)
        self._children[name] = child
        if self._stopping.is_set():
            _end(child)  # whoever told the children to stop did not know this one yet
        try:
            return await child.wait()
        finally:
            del self._children[name]

    async def _start(self, name: str) -> Process:
        """A child with our own arguments, but one process and this name."""
        own = sys.argv[1:]
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "penstock.cli", *own, "--procs", "1", "--name", name),
            stdin=PIPE,
        )


def _end(child: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
