"""Where the database lies: the file that a URL means, and whether SQLite can trust what it lies on."""

import re
from pathlib import Path
from urllib.parse import unquote

from penstock.errors import EngineError

_SCHEME = "sqlite:///"
_MOUNTS = Path("/proc/self/mounts")
_OCTAL = re.compile(r"\\([0-7]{3})")

# On these the locks of several machines, or the order of writes, cannot be relied upon.
_NETWORK = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.davfs2", "fuse.glusterfs",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
    }
)  # fmt: skip


def file_of(url: str) -> Path:
    """The absolute path that the URL names; EngineError if it names none."""
    name = unquote(url.removeprefix(_SCHEME))
    if not url.startswith(_SCHEME) or not name or name.endswith("/") or name == ":memory:":
        raise EngineError(
            "the url of a sqlite store names no file; write sqlite:///name.db, "
            "or sqlite:////path/to/name.db for an absolute path"
        )
    return Path(name).absolute()


def refuse_network(path: Path, mounts: str | None = None) -> None:
    """Nothing, if the file lies on a disk of this machine as far as can be told; else EngineError."""
    kind = _kind(path.resolve(), _mounts() if mounts is None else mounts)
    if kind in _NETWORK:
        raise EngineError(
            f"store {path} lies on a network file system ({kind}), where SQLite cannot keep its promises; "
            "move it to a local disk, or use a store with a server"
        )


def _kind(path: Path, mounts: str) -> str | None:
    found: tuple[int, str] | None = None
    for line in mounts.splitlines():
        _, mount, kind, *_ = line.split(" ")
        point = Path(_unescaped(mount))
        # A later mount on the same point hides the earlier one.
        if path.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = (len(point.parts), kind)
    return found and found[1]


def _unescaped(mount: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), mount)


def _mounts() -> str:
    try:
        return _MOUNTS.read_text(errors="replace")
    except OSError:
        return ""  # not Linux: it cannot be told
