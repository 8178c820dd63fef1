"""The wheel holds the device code and all data, and works outside the checkout."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


def built(kind, folder):
    """Build one kind of distribution into a folder; return its file."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=TOP,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (found,) = (one for one in folder.iterdir() if one.suffix in (".whl", ".gz"))
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    with tarfile.open(built("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


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


@pytest.mark.parametrize(
    "name",
    [
        "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile",
        "pyproject.toml", "mkdocs.yml", "device/package.json", "device/manifest.py",
        "device/main.py", "device/urootlet/__init__.py", "certs/catalog.toml", "certs/known.toml",
        "certs/extract.py", "boards/esp32.toml", "docs/index.md", "examples/rotation/minimal.py",
        "tests/conftest.py", "bench/size.py", "host/rootlet/py.typed",
    ],
)  # fmt: skip
def test_the_source_distribution_can_be_built_tested_and_read(sdist, name):
    assert name in sdist


def test_the_source_distribution_has_no_set_up_of_this_computer(sdist):
    unwanted = (".venv/", "site/", "dist/", "__pycache__", ".mypy_cache")
    assert not [name for name in sdist if any(one in name for one in unwanted)]


def test_every_board_and_anchor_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("boards", "certs/anchors"):
        for file in (TOP / folder).iterdir():
            if file.suffix in (".toml", ".pem"):
                assert f"rootlet/_data/{folder}/{file.name}" in names


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
