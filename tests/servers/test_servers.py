"""A server that is missing is never passed over in silence where it matters."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.servers import ServerMissing, directory_for, install, running


def missing() -> AbstractContextManager[str]:
    raise ServerMissing("no server; install it")


def test_a_missing_server_skips_on_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="install it"), running(missing):
        pass


def test_a_missing_server_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="install it"), running(missing):
        pass


def test_what_fails_inside_is_no_missing_server() -> None:
    @contextmanager
    def there() -> Iterator[str]:
        yield "url"

    with pytest.raises(ZeroDivisionError), running(there):
        raise ZeroDivisionError


def test_who_may_not_install_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(
        ServerMissing, match="no such server; install it, on Debian: apt-get install"
    ):
        install("some-server", because="no such server")


def test_a_directory_is_short_enough_for_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("x" * 80)))

    with directory_for(None) as directory:
        assert len(str(directory / "socket" / ".s.PGSQL.5432")) < 108
        assert directory.is_dir()
    assert not directory.exists()
