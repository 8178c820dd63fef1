"""The demo as a person runs it."""

import json
import os
import re
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
    assert_readme_shows(document["steps"])
    assert list(short_folder.iterdir()) == []
    assert not [p for p in set(PROC.iterdir()) - before if _of_demo(p, str(short_folder))]


def assert_readme_shows(steps):
    """README's session has today's steps; of what was seen it shows parts, figures aside."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (session,) = re.findall(r"^```\n(ok  .*?)^```$", readme, re.MULTILINE | re.DOTALL)
    shown = re.findall(r"^ok  (.*) \([\d.]+ s\)\n((?:    .*\n)*)", session, re.MULTILINE)
    assert [title for title, _ in shown] == [step["what"] for step in steps]
    assert f"all {len(steps)} steps observed" in session
    for (_, text), step in zip(shown, steps, strict=True):
        for part in " ".join(text.split()).split("; "):
            assert _without_figures(part) in _without_figures(step["seen"])


def _without_figures(text):
    return re.sub(r"\b\d+\b", "0", text)


def _of_demo(process, folder):
    try:
        return folder.encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
