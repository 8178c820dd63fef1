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
    with pytest.raises(InputError, match="over 10 bytes"):
        files.read(path, 10)


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
