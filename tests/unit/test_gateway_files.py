"""The files of a gateway, when it is the process that has the fault and not the disk."""

import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from limited import limited
from rootlet.lab import Hierarchy
from rotation_world import CA1, KEYS_1, NEW, keys, offered
from urootlet.bundle import Bundle
from urootlet.errors import Error
from urootlet.rotation import Rotation
from urootlet.tls_cpython import Context


@contextmanager
def no_more_files(left=0):
    """Let every file that is opened be one too many for this process, but for so many."""
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    with limited(resource.RLIMIT_NOFILE, free + 1 if left else 0):
        yield


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

    @pytest.mark.parametrize("left", [0, 1])
    def test_says_so_where_the_key_passes_through_one(self, left):
        pair = Hierarchy.fresh().issue_identity("pump-7")
        found = Bundle(offered((CA1,), 1))
        config = SimpleNamespace(endpoint="a.example", timeout=5)
        with no_more_files(left), pytest.raises(Error, match=r"HEAP: identity: .*open files"):
            Context(found, pair.cert_der, pair.key_der, config)  # type: ignore[arg-type]


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
