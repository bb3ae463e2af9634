"""Where the database may lie."""

from pathlib import Path

import pytest

from penstock.engines.sqlite import SqliteEngine
from penstock.engines.sqlite.place import file_of, refuse_network
from penstock.errors import EngineError

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /srv/shared nfs4 rw 0 0
/dev/sdb1 /srv/shared/local ext4 rw 0 0
//nas/data /srv/with\\040space cifs rw 0 0
me@there:/ /srv/far fuse.sshfs rw 0 0
/dev/sdc1 /srv/far ext4 rw 0 0
"""


def test_three_slashes_count_from_here_and_four_from_the_root() -> None:
    assert file_of("sqlite:///a/b.db") == Path.cwd() / "a/b.db"
    assert file_of("sqlite:////srv/b.db") == Path("/srv/b.db")
    assert file_of("sqlite:////srv/with%20space/b.db") == Path("/srv/with space/b.db")


@pytest.mark.parametrize(
    "url", ["", "sqlite:", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a/", "x.db"]
)
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(EngineError, match=r"write sqlite:///name\.db"):
        SqliteEngine(url)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/shared/a.db", "nfs4"), ("/srv/with space/a.db", "cifs"), ("/srv/shared", "nfs4")],
)
def test_a_network_file_system_is_refused_and_named(path: str, kind: str) -> None:
    with pytest.raises(EngineError, match=kind) as refused:
        refuse_network(Path(path), MOUNTS)

    assert path in str(refused.value)


@pytest.mark.parametrize(
    "path", ["/a.db", "/srv/sharedness/a.db", "/srv/shared/local/a.db", "/srv/far/a.db"]
)
def test_a_disk_of_this_machine_is_fine(path: str) -> None:
    refuse_network(Path(path), MOUNTS)


def test_where_nothing_can_be_told_nothing_is_refused() -> None:
    refuse_network(Path("/srv/shared/a.db"), "")


def test_a_link_does_not_hide_where_the_file_lies(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "away")

    with pytest.raises(EngineError, match="nfs"):
        refuse_network(tmp_path / "link" / "a.db", f"server:/ {tmp_path / 'away'} nfs rw 0 0\n")
