"""The demo as a person runs it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rootlet.boardio import micropython

PROC = Path("/proc")


@pytest.fixture
def short_folder():
    """A folder whose path leaves room for a Unix socket's name, which has 107 bytes in all."""
    with tempfile.TemporaryDirectory(prefix="rl-") as folder:
        yield Path(folder)


def test_the_demo_observes_each_step_and_leaves_nothing(short_folder):
    micropython.prepare()
    before = set(PROC.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "rootlet", "demo", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "TMPDIR": str(short_folder)},
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["ok"]
    assert document["seconds"] < 60
    told = "\n".join(step["seen"] for step in document["steps"])
    for words in (
        "0 bytes written",
        "paho-mqtt saw",
        "E-ROOT: a key that is not ours uses the name Amazon Root CA 3",
        "ECDHE-RSA",
        "E-FAMILY",
        "after power on the old set serves",
        "parked: only the old set works",
        "confirmed: path ends at amazon-root-ca-4",
        "over plain HTTP brings it back",
    ):
        assert words in told
    assert list(short_folder.iterdir()) == []
    assert not [p for p in set(PROC.iterdir()) - before if _of_demo(p, str(short_folder))]


def _of_demo(process, folder):
    try:
        return folder.encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
