"""The house is as CONTRIBUTING.md describes it; and each check would notice if it were not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import checks, migrations, verbs

ROOT = Path(__file__).parents[2]

Check = Callable[[Path], list[str]]
CHECKS: list[Check] = [
    checks.too_many_at_the_root,
    checks.modules_without_tests,
    checks.unsorted_public_names,
    checks.sql_in_python,
    checks.long_files,
    checks.long_functions,
    checks.traces_of_a_machine,
    verbs.unequal_verbs,
    migrations.wrong_migrations,
]

FIRST = "penstock/engines/first/migrations"
MARIADB = "penstock/engines/mariadb/migrations"
REPEATED = "create table if not exists job (id int);\n"
ENGINE = "class Engine:\n def ack(): ...\n def push(): ...\n"


@pytest.mark.parametrize("check", CHECKS)
def test_the_house_is_in_order(check: Check) -> None:
    assert check(ROOT) == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A tiny tree in which everything is in order."""
    write(tmp_path, "penstock/__init__.py", '__all__ = ["Job", "push"]\n')
    write(tmp_path, "penstock/job.py", '"""Jobs, select them from a queue."""\n')
    write(tmp_path, "penstock/engine.py", ENGINE)
    write(tmp_path, "penstock/conformance/push.py", "")
    write(tmp_path, "penstock/engines/first/__init__.py", "")
    write(tmp_path, "penstock/engines/first/writer.py", "")
    write(tmp_path, "penstock/engines/first/sql/ack.sql", "")
    write(tmp_path, "penstock/engines/first/sql/push.sql", "")
    write(tmp_path, "penstock/engines/first/migrations/0001_jobs.sql", "create table job (id int);")
    write(tmp_path, "penstock/engines/mariadb/migrations/0001_jobs.sql", REPEATED)
    write(tmp_path, "tests/engines/first/test_restart.py", "")
    write(tmp_path, "tests/test_job.py", "")
    write(tmp_path, "tests/test_engine.py", "")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("check", CHECKS)
def test_a_tree_in_order_passes(check: Check, house: Path) -> None:
    assert check(house) == []


BODY = "    x = 1\n"
BROKEN: list[tuple[Check, str, str]] = [
    (checks.modules_without_tests, "penstock/policy.py", ""),
    (checks.modules_without_tests, "penstock/server/payload.py", ""),
    (checks.modules_without_tests, "penstock/engines/second.py", ""),
    (checks.unsorted_public_names, "penstock/__init__.py", '__all__ = ["push", "Job"]'),
    (checks.unsorted_public_names, "penstock/__init__.py", '__all__ = ["Job", "Job"]'),
    (checks.unsorted_public_names, "penstock/__init__.py", ""),
    (checks.sql_in_python, "penstock/job.py", 'x = "select id from job"'),
    (checks.sql_in_python, "penstock/job.py", 'x = f"select {1} from job"'),
    (checks.sql_in_python, "penstock/job.py", 'x = "update job\\nset state = 1"'),
    (checks.sql_in_python, "penstock/job.py", 'run("INSERT INTO job values (1)")'),
    (checks.sql_in_python, "penstock/job.py", 'run("""delete from job""")'),
    (checks.long_files, "tests/test_job.py", "\n" * 301),
    (checks.long_files, "penstock/engines/first/sql/push.sql", "\n" * 301),
    (checks.long_files, "tests/test_job.py", "# long:\n" + "\n" * 300),
    (checks.long_functions, "penstock/job.py", "def f():\n" + BODY * 50),
    (checks.long_functions, "penstock/job.py", "class A:\n  async def f():\n" + BODY * 50),
    (checks.traces_of_a_machine, "docs/a.md", "see /" + "home/ann/notes"),
    (checks.traces_of_a_machine, "a.toml", 'path = "/' + 'root/x"'),
    (checks.traces_of_a_machine, "requirements/a.txt", "-" + "-index-url x"),
    (checks.traces_of_a_machine, ".ci/run", "curl pypi" + ".org"),
    (verbs.unequal_verbs, "penstock/engines/second/sql/ack.sql", ""),
    (verbs.unequal_verbs, "penstock/engines/first/sql/acknowledge.sql", ""),
    (verbs.unequal_verbs, "penstock/engines/second/lua/ack.lua", ""),
    (migrations.wrong_migrations, f"{FIRST}/0003_gap.sql", ""),
    (migrations.wrong_migrations, f"{FIRST}/0001_twice.sql", ""),
    (migrations.wrong_migrations, f"{FIRST}/2_short.sql", ""),
    (migrations.wrong_migrations, f"{FIRST}/0002_later_needs_0003.sql", ""),
    (migrations.wrong_migrations, f"{FIRST}/0002_drop.sql", "drop table job;"),
    (migrations.wrong_migrations, f"{FIRST}/0002_a.sql", "ALTER TABLE job RENAME COLUMN a TO b;"),
    (
        migrations.wrong_migrations,
        f"{FIRST}/0002_a.sql",
        "alter table job alter column a type int;",
    ),
    (migrations.wrong_migrations, f"{FIRST}/0002_a.sql", "create unique index a on job (b);"),
    (
        migrations.wrong_migrations,
        f"{FIRST}/0002_a.sql",
        "alter table job add column a int not null;",
    ),
    (migrations.wrong_migrations, f"{FIRST}/0002_a.sql", "alter table job add check (a > 1);"),
    (migrations.wrong_migrations, f"{FIRST}/0002_a.sql", "delete from job;"),
    (migrations.wrong_migrations, f"{FIRST}/0002_a.sql", "do $$ begin drop table job; end $$;"),
    (migrations.wrong_migrations, f"{MARIADB}/0002_a.sql", "create table a (b int);\n"),
    (migrations.wrong_migrations, f"{MARIADB}/0002_a.sql", "insert into a values (1);\n"),
]


@pytest.mark.parametrize(("check", "name", "text"), BROKEN)
def test_what_is_wrong_is_found_and_named(check: Check, name: str, text: str, house: Path) -> None:
    write(house, name, text)

    [problem] = check(house)

    assert name in problem or str(Path(name).parent) in problem


def test_the_nineteenth_module_at_the_root_is_refused(house: Path) -> None:
    for number in range(16):
        write(house, f"penstock/room{number}.py", "")
    assert checks.too_many_at_the_root(house) == []

    write(house, "penstock/one_more.py", "")

    [problem] = checks.too_many_at_the_root(house)
    assert "19" in problem


def test_a_long_file_may_say_why(house: Path) -> None:
    write(house, "tests/test_job.py", '"""Cases."""\n# long: one table of cases\n' + "\n" * 300)

    assert checks.long_files(house) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (f"{FIRST}/0002_drop_needs_0002.sql", "drop table job;"),
        (f"{FIRST}/0002_drop_needs_0001.sql", "drop table job;"),
        (f"{FIRST}/0002_add.sql", "alter table job add column a int not null default 0;"),
        (f"{FIRST}/0002_add.sql", "alter table job add column a int default 0 not null;"),
        (f"{FIRST}/0002_add.sql", "alter table job add column a int;\ncreate index b on job (a);"),
        (f"{FIRST}/0002_add.sql", "-- Drop nothing.\ncreate table note (id int not null);"),
        (f"{FIRST}/0002_add.sql", "create function f() as $do$ delete from job; $do$;"),
        (f"{MARIADB}/0002_add.sql", "alter table job add column if not exists a int;\n"),
    ],
)
def test_a_migration_that_only_adds_or_says_what_it_needs_passes(
    name: str, text: str, house: Path
) -> None:
    write(house, name, text)

    assert migrations.wrong_migrations(house) == []


def test_an_engine_that_lacks_a_verb_is_found(house: Path) -> None:
    write(house, "penstock/engines/redis/lua/ack.lua", "")

    [problem] = verbs.unequal_verbs(house)

    assert "penstock/engines/redis/lua lacks ['push']" in problem
