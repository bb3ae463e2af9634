"""Callback jobs, and the handler that runs them."""

import base64

from penstock.clock import ManualClock
from penstock.commands.callback import CallbackCommand
from penstock.commands.exec import ExecCommand
from penstock.commands.http import HttpCommand
from penstock.handler import Context, Registry
from penstock.serialization import JSON, JSONObject
from penstock.settings import CallbackSettings, ExecSettings, HttpSettings
from tests.commands.jobs import NOW, context

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


class Installed:
    """A callback handler with the handlers that it sends commands through."""

    def __init__(self, *secrets: str, programs: tuple[str, ...] = ()) -> None:
        private = HttpSettings(allow_private=("127.0.0.0/8",))
        self.clock = ManualClock(NOW)
        self.http = HttpCommand(private, version="1.2.3", clock=self.clock)
        self.registry = Registry({"http": self.http, "exec": ExecCommand(ExecSettings(programs))})
        settings = CallbackSettings(secrets=secrets)
        self.callback = CallbackCommand(self.http, self.registry, settings)
        self.registry.register("callback", self.callback)


def event_job(url: str, *, event: str = "job.done", id: int = 9, **more: JSON) -> Context:
    """A callback job that tells of job 7."""
    params: JSONObject = {
        "job_id": 7,
        "command": {"type": "http", "params": {"url": url, **more}},
        "event": event,
        "job": {"id": 7, "type": "http", "state": "done", "finished_at": None, "result": {"a": 1}},
    }
    return context(params, id=id, type="callback")


def plain_job(type: str, id: int = 9, **params: JSON) -> Context:
    """A callback job that sends a command as it stands, for job 7."""
    command: JSONObject = {"type": type, "params": params}
    return context(
        {"job_id": 7, "command": command, "event": None, "job": None}, id=id, type="callback"
    )
