"""Which programs may run, with which arguments."""

import os
import tomllib
from pathlib import Path

import pytest

from penstock.commands.allowance import Allowance, Allowances, real_path
from penstock.errors import NotAllowed, SettingsError

PERMITTED = [
    ("/srv/jobs/*.sh", ["/srv/jobs/a.sh"]),
    ("/srv/jobs/*.sh", ["/srv/jobs/.sh"]),
    ("/srv/jobs/a.sh", ["/srv/jobs/a.sh"]),
    ("/srv/*/run", ["/srv/x/run"]),
    ("'/srv/my jobs/a.sh'", ["/srv/my jobs/a.sh"]),
    ("/bin/x *", ["/bin/x", "a"]),
    ("/bin/x *", ["/bin/x", ""]),
    ("/bin/x *", ["/bin/x", "two words; $(more)"]),
    ("/bin/x a *", ["/bin/x", "a", "b"]),
    ("/bin/x --size=*", ["/bin/x", "--size=10"]),
    ("/bin/x -*", ["/bin/x", "-v"]),
    ("/bin/x /data/*.png", ["/bin/x", "/data/a.png"]),
    ("/bin/x ../*", ["/bin/x", "../a"]),
    ("/bin/x **", ["/bin/x"]),
    ("/bin/x **", ["/bin/x", "-rf", "/", "../.."]),
    ("/bin/x a **", ["/bin/x", "a", "b", "c"]),
    ("/srv/jobs/a+b[1].sh", ["/srv/jobs/a+b[1].sh"]),
    ("/bin/x *x*.png", ["/bin/x", "10x20x30.png"]),
    ("/bin/x *a*ab*b", ["/bin/x", "aabb"]),
    ("/bin/x *.png*.png", ["/bin/x", "a.png.png"]),
    ("/bin/x /*/b*", ["/bin/x", "/a/bc"]),
]
REFUSED = [
    ("/srv/jobs/*.sh", ["/srv/jobs/a.py"]),
    ("/srv/jobs/*.sh", ["/srv/jobs/sub/a.sh"]),
    ("/srv/jobs/*.sh", ["/srv/jobs/a.sh", "argument"]),
    ("/srv/jobs/*.sh", ["/srv/jobs/a.sh;"]),
    ("/srv/jobs/*.sh", ["/x/srv/jobs/a.sh"]),
    ("/srv/jobs/*.sh", ["/srv/jobs/a.sh\n"]),
    ("/srv/jobs/a.sh", ["/srv/jobs/aXsh"]),
    ("/bin/x *", ["/bin/x"]),
    ("/bin/x *", ["/bin/x", "a", "b"]),
    ("/bin/x *", ["/bin/x", "-rf"]),
    ("/bin/x *", ["/bin/x", "/etc"]),
    ("/bin/x *", ["/bin/x", ".."]),
    ("/bin/x /data/*", ["/bin/x", "/data/.."]),
    ("/bin/x /data/*/*", ["/bin/x", "/data/../etc"]),
    ("/bin/x a", ["/bin/x", "ab"]),
    ("/bin/x a **", ["/bin/x"]),
    ("/bin/x a **", ["/bin/x", "b"]),
    ("/bin/x **", ["/bin/y"]),
    ("/bin/x *x*.png", ["/bin/x", "10.png"]),
    ("/bin/x *a*ab*b", ["/bin/x", "aab"]),
    ("/bin/x *.png*.png", ["/bin/x", "a.png"]),
    ("/bin/x /*/b*", ["/bin/x", "/a/x/bc"]),
]


@pytest.mark.parametrize(("pattern", "argv"), PERMITTED)
def test_what_a_pattern_means_is_permitted(pattern: str, argv: list[str]) -> None:
    assert Allowance.parse(pattern).permits(argv)


@pytest.mark.parametrize(("pattern", "argv"), REFUSED)
def test_everything_else_is_refused(pattern: str, argv: list[str]) -> None:
    assert not Allowance.parse(pattern).permits(argv)


@pytest.mark.parametrize("argument", ["a" + "-" * 100_000, "/." * 50_000, "-/" * 50_000])
def test_a_hostile_argument_costs_no_more_than_its_length(argument: str) -> None:
    allowance = Allowance.parse("/bin/x *-*-*-*.png")

    # A matcher that tries every way would need more time than there is.
    assert not allowance.permits(["/bin/x", argument])


@pytest.mark.parametrize(
    "pattern",
    ["", " ", "relative.sh", "*", "**", "/bin/** a", "/bin/x ** a", "/bin/x a** b", "/bin/'x"],
)
def test_a_pattern_that_is_none_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(SettingsError, match="allow") as refused:
        Allowances([pattern])

    assert repr(pattern) in str(refused.value)


def test_nothing_is_permitted_by_default_and_the_line_to_add_is_named() -> None:
    with pytest.raises(NotAllowed) as refused:
        Allowances([]).permitted(["/srv/my jobs/a.sh", "x"], field="cmd")

    assert refused.value.add == "[commands.exec] allow = [\"'/srv/my jobs/a.sh'\"]"


def test_for_refused_arguments_the_line_names_their_number() -> None:
    with pytest.raises(NotAllowed) as refused:
        Allowances(["/srv/jobs/*.sh"]).permitted(["/srv/jobs/a.sh", "x", "y"], field="cmd")

    assert refused.value.add == '[commands.exec] allow = ["/srv/jobs/a.sh * *"]'


@pytest.mark.parametrize(
    "argument", ["x", "-rf", "/etc/passwd", "..", "two words", "it's", "é", ""]
)
def test_the_line_that_is_named_helps(argument: str) -> None:
    argv = ["/srv/my jobs/a.sh", argument]
    patterns: list[str] = []
    for _ in range(2):  # first the program, then its arguments
        with pytest.raises(NotAllowed) as refused:
            Allowances(patterns).permitted(argv, field="argv")
        assert refused.value.field == "argv"
        [line] = tomllib.loads(f"x = {refused.value.add.partition(' = ')[2]}")["x"]
        patterns.append(line)

    assert Allowances(patterns).permitted(argv, field="argv") == argv


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "real.sh").touch()
    (inside / "link.sh").symlink_to(outside / "real.sh")
    (outside / "link.sh").symlink_to(inside / "real.sh")
    allowances = Allowances([f"{inside}/*.sh"])

    assert allowances.permitted([str(outside / "link.sh")], field="cmd") == [
        str(inside / "real.sh")
    ]
    for refused in (inside / "link.sh", inside / ".." / "outside" / "real.sh"):
        with pytest.raises(NotAllowed):
            allowances.permitted([str(refused)], field="cmd")


def test_a_bare_name_is_looked_up_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mine"
    program.touch(mode=0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert real_path("mine") == str(program)
    with pytest.raises(NotAllowed, match=r"mine"):
        Allowances([]).permitted(["mine"], field="cmd")
