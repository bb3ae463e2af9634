"""A Django project in one file: views with and without `async` push, and read what became of it."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from tests.journeys.processes import get, number, post, python

pytestmark = pytest.mark.slow

LISTENING = re.compile(r"serving on (http://\S+)")

PROJECT = """
import json, sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

from penstock import JobSpec, Penstock

penstock = Penstock.from_config("penstock.toml")

def welcome(request, name):
    pushed = penstock.push_sync([JobSpec("welcome", {"to": name}), JobSpec("count")], context=name)
    return JsonResponse({"id": pushed[0].id})

async def later(request, name):
    pushed = await penstock.push(JobSpec("later", {"to": name}), delay=3600)
    return JsonResponse({"id": pushed.id})

def state(request, id):
    job = penstock.sync(lambda: penstock.job(id))
    return JsonResponse({"state": job.state, "type": job.type, "context": job.details.context})

urlpatterns = [
    path("welcome/<name>", welcome),
    path("later/<name>", later),
    path("jobs/<int:id>", state),
]

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

if __name__ == "__main__":
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="none")
    django.setup()
    with make_server("127.0.0.1", 0, get_wsgi_application(), Server) as server:
        print(f"serving on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("bye", file=sys.stderr)
"""


async def test_views_of_both_kinds_push_and_read(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "penstock.toml").write_text('[stores.main]\nurl = "sqlite:///penstock.db"\n')

    async with python(tmp_path, "-W", "error::ResourceWarning", "project.py") as web:
        url = await web.says(LISTENING)
        welcomed, later = await asyncio.gather(
            asyncio.gather(*(post(f"{url}/welcome/ann{n}", {}) for n in range(10))),
            asyncio.gather(*(post(f"{url}/later/bob{n}", {}) for n in range(10))),
        )
        now = [await get(f"{url}/jobs/{number(answer, 'id')}") for _, answer in welcomed]
        then = [await get(f"{url}/jobs/{number(answer, 'id')}") for _, answer in later]
        web.send(signal.SIGINT)
        code = await web.ends()

    assert now == [{"state": "ready", "type": "welcome", "context": f"ann{n}"} for n in range(10)]
    assert {(job["state"], job["type"]) for job in then} == {("scheduled", "later")}
    assert len({number(answer, "id") for _, answer in (*welcomed, *later)}) == 20
    assert code == 0
    assert "Warning" not in "".join(web.said)
