"""An ASGI application opens Penstock at its own loop: coroutines await, and views in threads get there too."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from tests.journeys.processes import get, number, post, python

pytestmark = pytest.mark.slow

LISTENING = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:[0-9]+)")

SHOP = """
import asyncio, contextlib
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from penstock import Context, Penstock, job

@job
def shout(text: str) -> str:
    return text.upper()

penstock = Penstock.from_config("penstock.toml", jobs=shout)

@contextlib.asynccontextmanager
async def lifespan(app):
    async with penstock, asyncio.TaskGroup() as tasks:
        runner = penstock.runner()
        tasks.create_task(runner.run())
        yield
        runner.stop()

async def awaits(request):
    pushed = await penstock.push(shout(request.path_params["text"]))
    return JSONResponse({"id": pushed.id})

def blocks(request):  # Starlette runs it in a thread
    pushed = penstock.push_sync(shout(request.path_params["text"]))
    return JSONResponse({"result": penstock.sync(lambda: penstock.result(pushed, wait=20))})

async def result(request):
    return JSONResponse({"result": await penstock.result(request.path_params["id"], wait=20)})

app = Starlette(lifespan=lifespan, routes=[
    Route("/awaits/{text}", awaits, methods=["POST"]),
    Route("/blocks/{text}", blocks, methods=["POST"]),
    Route("/results/{id:int}", result),
])
"""


async def test_coroutines_and_threads_of_one_process_share_the_loop_that_opened_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "penstock.toml").write_text('[stores.main]\nurl = "sqlite:///penstock.db"\n')

    async with python(tmp_path, "-W", "error", "-m", "uvicorn", "shop:app", "--port", "0") as web:
        url = await web.says(LISTENING)
        awaited, blocked = await asyncio.gather(
            asyncio.gather(*(post(f"{url}/awaits/a{n}", {}) for n in range(20))),
            asyncio.gather(*(post(f"{url}/blocks/b{n}", {}) for n in range(20))),
        )
        results = [await get(f"{url}/results/{number(answer, 'id')}") for _, answer in awaited]
        web.send(signal.SIGTERM)
        await web.ends()

    assert [one["result"] for one in results] == [f"A{n}" for n in range(20)]
    assert blocked == [(200, {"result": f"B{n}"}) for n in range(20)]
    assert "Traceback" not in "".join(web.said)
