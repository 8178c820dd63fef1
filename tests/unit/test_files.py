"""Files are written whole or not at all."""

import os
import stat

import pytest

from rootlet import files
from rootlet.errors import InputError


def test_a_file_is_replaced_whole_with_its_mode(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    files.write(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    files.write(path, b"for all")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_takes_a_name_is_whole_and_on_the_disk_before(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    seen = []

    def note(descriptor):
        seen.append((os.fstat(descriptor).st_size, path.read_bytes()))

    monkeypatch.setattr(os, "fsync", note)
    files.write(path, b"longer")
    assert seen == [(6, b"old")]
    assert path.read_bytes() == b"longer"


def test_the_names_of_a_folder_are_waited_for_and_its_handle_is_closed(tmp_path, monkeypatch):
    seen = []

    def note(descriptor):
        assert os.path.samestat(os.fstat(descriptor), tmp_path.stat())
        seen.append(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    files.sync_folder(tmp_path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(*seen)
    with pytest.raises(InputError, match="no: cannot be written"):
        files.sync_folder(tmp_path / "no")


def test_a_missing_folder_is_one_error(tmp_path):
    with pytest.raises(InputError, match="cannot be written") as caught:
        files.write(tmp_path / "no" / "a", b"new")
    assert caught.value.hint.startswith("make its folder first")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(_descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError) as caught:
        files.write(path, b"new")
    assert caught.value.why == "No space left on device"
    assert caught.value.hint.startswith("make room there")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_file_over_its_limit_is_refused(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(11))
    assert files.read(path, 11) == bytes(11)
    with pytest.raises(InputError, match="over 10 bytes") as caught:
        files.read(path, 10)
    assert caught.value.code == "FORMAT"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="a: cannot be read"):
        files.read(tmp_path / "a", 10)


def test_a_private_key_is_replaced_only_on_purpose(tmp_path):
    path = tmp_path / "a.pem"
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(InputError, match="holds a private key"):
        files.write(path, b"new")
    assert path.read_bytes().startswith(b"-----BEGIN")
    files.write(path, b"new", over_key=True)
    assert path.read_bytes() == b"new"


class TestWhatIsNoFile:
    """As root a rename takes the place of /dev/null, for every program of the computer."""

    def test_a_pipe_is_neither_opened_nor_replaced(self, tmp_path):
        path = tmp_path / "p"
        os.mkfifo(path)
        with pytest.raises(InputError, match="a device or a pipe"):
            files.write(path, b"new")
        assert stat.S_ISFIFO(path.stat().st_mode)

    @pytest.mark.parametrize("target", ["/dev/null", "/proc/self/fd/1", "/proc/self/exe"])
    def test_a_link_to_a_device_or_an_open_file_stays(self, tmp_path, target):
        path = tmp_path / "out"
        path.symlink_to(target)
        with pytest.raises(InputError, match="a device or a pipe"):
            files.write(path, b"new")
        assert str(path.readlink()) == target

    def test_a_link_to_a_file_is_replaced_and_the_file_stays(self, tmp_path):
        old, path = tmp_path / "old", tmp_path / "newest"
        old.write_bytes(b"old")
        path.symlink_to(old)
        files.write(path, b"new")
        assert (old.read_bytes(), path.read_bytes()) == (b"old", b"new")
