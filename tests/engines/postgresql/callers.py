"""Applications that push in their own transactions, each by its driver: all do the same three things.

One job is committed, one is rolled back; and of two in one transaction the second goes with its savepoint.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psycopg
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

COMMITTED = {"committed", "kept"}


def job(word: str) -> dict[str, object]:
    return {"type": "note", "params": {"word": word}}


def by_psycopg(url: str) -> None:
    push = "select * from penstock.penstock_push(%s)"
    with psycopg.connect(url, autocommit=True) as session:
        with session.transaction():
            session.execute(push, [Jsonb(job("committed"))])
        with session.transaction(force_rollback=True):
            session.execute(push, [Jsonb(job("rolled back"))])
        with session.transaction():
            session.execute(push, [Jsonb(job("kept"))])
            with session.transaction(force_rollback=True):
                session.execute(push, [Jsonb(job("lost"))])


def by_asyncpg(url: str) -> None:
    push = "select * from penstock.penstock_push($1::jsonb)"

    async def run() -> None:
        session = await asyncpg.connect(url)
        async with session.transaction():
            await session.fetch(push, json.dumps(job("committed")))
        rolled_back = session.transaction()
        await rolled_back.start()
        await session.fetch(push, json.dumps(job("rolled back")))
        await rolled_back.rollback()
        async with session.transaction():
            await session.fetch(push, json.dumps(job("kept")))
            lost = session.transaction()
            await lost.start()
            await session.fetch(push, json.dumps(job("lost")))
            await lost.rollback()
        await session.close()

    asyncio.run(run())


def by_sqlalchemy(url: str) -> None:
    push = sqlalchemy.text("select * from penstock.penstock_push(cast(:job as jsonb))")
    engine = sqlalchemy.create_engine(urlsplit(url)._replace(scheme="postgresql+psycopg").geturl())
    with engine.begin() as session:
        session.execute(push, {"job": json.dumps(job("committed"))})
    with engine.connect() as session:
        session.execute(push, {"job": json.dumps(job("rolled back"))})
        session.rollback()
    with engine.begin() as session:
        session.execute(push, {"job": json.dumps(job("kept"))})
        savepoint = session.begin_nested()
        session.execute(push, {"job": json.dumps(job("lost"))})
        savepoint.rollback()
    engine.dispose()


# A program of its own: the settings of Django are those of its process.
DJANGO = """
import json, sys
import django
from django.conf import settings
from django.db import connection, transaction

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **json.loads(sys.argv[1])}})
django.setup()

class RolledBack(Exception):
    pass

def push(word):
    with connection.cursor() as cursor:
        job = {"type": "note", "params": {"word": word}}
        cursor.execute("select * from penstock.penstock_push(%s::jsonb)", [json.dumps(job)])

def push_in_vain(word):
    try:
        with transaction.atomic():
            push(word)
            raise RolledBack
    except RolledBack:
        pass

with transaction.atomic():
    push("committed")
push_in_vain("rolled back")
with transaction.atomic():
    push("kept")
    push_in_vain("lost")
"""


def by_django(url: str) -> None:
    found = conninfo_to_dict(url)
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    database = {names[key]: str(value) for key, value in found.items() if key in names}
    database["NAME"] = str(found["dbname"])
    subprocess.run([sys.executable, "-c", DJANGO, json.dumps(database)], check=True)


def by_psql(url: str) -> None:
    psql = shutil.which("psql")
    assert psql is not None, "the client comes with the server"
    script = Path(__file__).parent / "by_psql.sql"
    subprocess.run(
        [psql, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={script}", url],
        check=True,
        stdout=subprocess.DEVNULL,
    )


CALLERS: Mapping[str, Callable[[str], None]] = {
    "psycopg": by_psycopg,
    "asyncpg": by_asyncpg,
    "sqlalchemy": by_sqlalchemy,
    "django": by_django,
    "psql": by_psql,
}
