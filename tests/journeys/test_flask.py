"""A Flask application: its views push, a worker opens the same Penstock and runs the jobs, a view reads the results."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from tests.journeys.processes import get, number, post, python

pytestmark = pytest.mark.slow

LISTENING = re.compile(r"Running on (http://127\.0\.0\.1:[0-9]+)")

SHOP = """
from flask import Flask, jsonify, request
from penstock import Context, Job, Penstock

class Resize(Job, type="resize"):
    name: str

    def run(self, context: Context) -> str:
        penstock.push_sync(Note(self.name))
        return f"{self.name}, smaller"

class Note(Job, type="note"):
    text: str

    async def run(self, context: Context) -> str:
        return self.text

penstock = Penstock.from_config("penstock.toml", jobs=[Resize, Note])
app = Flask(__name__)

@app.post("/pictures/<name>")
def add(name):
    return jsonify(id=penstock.push_sync(Resize(name), idempotency_key=request.json["key"]).id)

@app.get("/results/<int:id>")
def result(id):
    return jsonify(result=penstock.sync(lambda: penstock.result(id, wait=20)))
"""


async def test_views_push_and_read_while_a_worker_runs(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "penstock.toml").write_text('[stores.main]\nurl = "sqlite:///penstock.db"\n')
    flask = ("-W", "error::ResourceWarning", "-m", "flask", "--app", "shop", "run", "--port", "0")
    worker = ("-m", "penstock.cli", "worker", "--app", "shop:penstock")

    async with python(tmp_path, *flask) as web, python(tmp_path, *worker) as working:
        url = await web.says(LISTENING)
        answers = await asyncio.gather(
            *(post(f"{url}/pictures/{n}", {"key": f"k{n}"}) for n in range(20))
        )
        again = await post(f"{url}/pictures/7", {"key": "k7"})
        ids = [number(answer, "id") for _, answer in answers]
        results = [await get(f"{url}/results/{id}") for id in ids]
        web.send(signal.SIGINT)
        code = await web.ends()
        working.send(signal.SIGTERM)
        assert await working.ends() == 0

    assert again == answers[7]
    assert len(set(ids)) == 20
    assert [one["result"] for one in results] == [f"{n}, smaller" for n in range(20)]
    assert code == 0
    assert "Traceback" not in "".join(web.said)
