"""The demo as a person runs it."""

import json
import os
import subprocess
import sys

from rootlet.boardio import micropython


def test_the_demo_observes_each_step_and_leaves_nothing(tmp_path):
    micropython.prepare()
    before = set(os.listdir("/proc"))
    done = subprocess.run(
        [sys.executable, "-m", "rootlet", "demo", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
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
    ):
        assert words in told
    assert list(tmp_path.iterdir()) == []
    left = [pid for pid in set(os.listdir("/proc")) - before if _of_demo(pid, str(tmp_path))]
    assert not left


def _of_demo(pid, folder):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return folder.encode() in file.read()
    except OSError:
        return False
