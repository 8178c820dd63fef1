"""The files of a gateway, when it is the process that has the fault and not the disk."""

import errno
import resource
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from rotation_world import CA1, KEYS_1, NEW, keys, offered
from urootlet.errors import Error
from urootlet.rotation import Rotation


@contextmanager
def no_more_files():
    """Let every file that is opened be one too many for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ta").write_bytes(offered((CA1,), 1))
    (tmp_path / "factory.rlk").write_bytes(keys(KEYS_1))
    assert start(tmp_path).offer(NEW)
    return tmp_path


def start(folder):
    identity = SimpleNamespace(context=lambda found: found)
    return Rotation(f"{folder}/", identity=identity)  # type: ignore[arg-type]


def files(folder):
    return {one.name: one.read_bytes() for one in folder.iterdir()}


class TestAProcessWithTooManyOpenFiles:
    def test_writes_no_record_anew_over_the_one_that_it_cannot_read(self, folder):
        before = files(folder)
        trust = start(folder)
        with no_more_files(), pytest.raises(Error, match="FLASH"):
            trust.store.step(4)
        trust.settle()  # the program goes on, and has closed some
        assert files(folder) == before
        assert (trust.status()["floor"], trust.store.keys().version) == ((1, 1), 1)

    def test_begins_no_rotation(self, folder):
        with no_more_files(), pytest.raises(Error, match="FLASH"):
            start(folder)

    def test_writes_with_the_next_step_what_it_could_not(self, folder):
        trust = start(folder)
        with no_more_files(), pytest.raises(Error, match="FLASH"):
            trust.store.step(4)
        trust.store.step(2)
        assert trust.store.load() is None
        assert (start(folder).status(), trust.store.mirrored) == (trust.status(), True)


class TestAFileThatDoesNotOpen:
    @contextmanager
    def failing(self, name, number):
        def opened(path, mode):
            if path.endswith(name):
                raise OSError(number, "as the system says")
            return Path(path).open(mode)

        with patch("urootlet.replace_cpython.open", opened, create=True):
            yield

    @pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENFILE, errno.ENOMEM])
    def test_is_not_taken_for_lost_where_the_system_refuses_it(self, folder, number):
        with self.failing("/s0", number), pytest.raises(Error, match="as the system says"):
            start(folder)

    def test_is_lost_where_the_disk_has_lost_it(self, folder):
        with self.failing("/s0", errno.EIO):
            trust = start(folder)
        assert (trust.status()["state"], trust.store.mirrored) == ("trial", False)
