"""`penstock serve`: the HTTP server, upkeep and a runner in one process."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import click
import msgspec
import uvicorn
from starlette.types import ASGIApp

from penstock.app import Penstock
from penstock.cli import options
from penstock.cli.protocol import BoundedProtocol
from penstock.cli.starting import opened, wait_for_stores
from penstock.errors import SettingsError
from penstock.settings import Settings

log = logging.getLogger(__name__)

HTTP_GRACE = 3  # seconds that open requests get once the runner has ended


@click.command(
    "serve",
    epilog="Example: penstock serve --port 8080 --data /var/lib/penstock",
)
@options.config
@options.app
@options.data
@options.profile
@click.option("--host", help="The address to listen on; loopback unless configured.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one.")
@click.option("--no-runner", is_flag=True, help="Take and keep jobs, but run none here.")
@wait_for_stores
def command(
    config: Path | None,
    app: str | None,
    data: Path | None,
    profile: str,
    host: str | None,
    port: int | None,
    no_runner: bool,
    patience: float,
) -> None:
    """Start the HTTP server, with a runner in the same process.

    A store that cannot be reached yet is waited for; a wrong configuration ends it at once.
    """
    options.log_to_stderr()
    penstock = options.application(config, app=app, data=data, profile=profile)
    penstock.configure(_listening(penstock.settings, host, port))
    options.run(_serve(penstock, timedelta(seconds=patience), with_runner=not no_runner))


def _listening(settings: Settings, host: str | None, port: int | None) -> Settings:
    changed = {k: v for k, v in {"host": host, "port": port}.items() if v is not None}
    server = msgspec.structs.replace(settings.server, **changed)
    return msgspec.structs.replace(settings, server=server)


async def _serve(penstock: Penstock, patience: timedelta, *, with_runner: bool) -> None:
    with _listen(penstock.settings) as listener:
        async with opened(penstock, patience):
            server = _Server(_configured(penstock.asgi()))
            options.collect_rarely()
            await _run(penstock, server, listener, with_runner=with_runner)


def _configured(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        proxy_headers=False,  # whom to believe is said by [server] trusted_proxies
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=HTTP_GRACE,
    )


async def _run(
    penstock: Penstock, server: "_Server", listener: socket.socket, *, with_runner: bool
) -> None:
    async with asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(penstock.upkeep().run())
        serving = tasks.create_task(server.serve([listener]))
        host, port = listener.getsockname()[:2]
        log.info("listening on http://%s:%s", f"[{host}]" if ":" in host else host, port)
        await _until_stopped(penstock, with_runner=with_runner)
        server.should_exit = True
        await serving
        upkeep.cancel()


async def _until_stopped(penstock: Penstock, *, with_runner: bool) -> None:
    if with_runner:
        runner = penstock.runner()
        options.on_signals(lambda: _stop(penstock, runner.stop))
        await runner.run()
        return
    stopped = asyncio.Event()
    options.on_signals(lambda: _stop(penstock, stopped.set))
    await stopped.wait()


def _stop(penstock: Penstock, stop: Callable[[], None]) -> None:
    penstock.health.fails("server", "stopping")
    penstock.stop_waiting()
    stop()


def _listen(settings: Settings) -> socket.socket:
    """The listening socket; SettingsError where it cannot be had."""
    server = settings.server
    try:
        if not ipaddress.ip_address(server.host).is_loopback:
            raise SettingsError(
                f"[server] host = {server.host!r}: listening beyond loopback needs tokens, which this "
                'version has not; keep host = "127.0.0.1" and put a proxy that checks callers before it'
            )
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        return socket.create_server((server.host, server.port), family=family, backlog=2048)
    except ValueError as error:
        raise SettingsError(f"[server] host = {server.host!r}: write an IP address") from error
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {server.host}:{server.port}: {os.strerror(error.errno or 0)}; "
            "choose another --port (with make: PORT=)"
        ) from error


class _Server(uvicorn.Server):
    """Leaves the signals to us: the runner ends first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
