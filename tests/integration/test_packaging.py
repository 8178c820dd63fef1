"""The wheel holds the device code and all data, and works outside the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=TOP,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_code_and_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "urootlet/bundle.py",
        "rootlet/boardio/snippets/files.py",
        "rootlet/boardio/virtual/firmware/start.py",
        "rootlet/_data/certs/catalog.toml",
        "rootlet/_data/certs/known.toml",
        "rootlet/_data/certs/anchors/amazon-root-ca-1.pem",
        "rootlet/_data/boards/esp32.toml",
        "rootlet/py.typed",
    ):
        assert name in names
    assert not [name for name in names if name.startswith("test") or "extract" in name]


def test_the_wheel_builds_a_bundle_outside_the_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "rootlet", "build", "--board", "esp32", "--keys", "both"),
            *("-o", str(tmp_path / "a.rlt")),
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.rlt").stat().st_size > 700
