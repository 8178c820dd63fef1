"""docs/howto-rotation.md as a person follows it: each command, in order, as it stands there."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "howto-rotation.md"
PROGRAMS = {
    "rootlet": [sys.executable, "-m", "rootlet"],
    "mpremote": [sys.executable, "-m", "mpremote"],
}


def commands():
    """Return (command, exit status, whether it stays running) of each command of the page."""
    lines = [line[4:] for line in PAGE.read_text().splitlines() if line.startswith("    ")]
    found = []
    for text in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        command, _, note = text.partition(" # exits with ")
        stays = command.endswith(" &")
        found.append((command.removesuffix(" &"), int(note or 0), stays))
    return found


class Desk:
    """A folder in which the commands run, and what stays running meanwhile."""

    def __init__(self, folder, stack):
        self.folder, self._stack = folder, stack
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._names = {"8883": str(free.getsockname()[1])}
        # Lab and board live in it; a Unix socket's path has 107 bytes in all.
        self.environment = {**os.environ, "TMPDIR": str(folder)}
        (folder / "examples").symlink_to(REPOSITORY / "examples")

    def words(self, command):
        program, *words = [self._names.get(word, word) for word in shlex.split(command)]
        return [*PROGRAMS[program], *words]

    def run(self, command, status=0):
        done = subprocess.run(
            self.words(command),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def keep(self, command):
        """Start what stays running, and learn the board's port from what it prints."""
        process = self._stack.enter_context(started(self.words(command), self))
        for line in process.stdout:
            if line.startswith("port: "):
                self._names["PORT"] = line.split()[1]
            if line.startswith("stop: "):
                return

    def until(self, floor):
        """Ask the board until it has got so far; each question interrupts its program."""
        deadline = time.monotonic() + 60
        while True:
            found = json.loads(self.run("rootlet rotate status --port PORT --json"))
            if found["floor"] == floor or time.monotonic() > deadline:
                return found
            time.sleep(3)


@contextmanager
def started(command, desk):
    with subprocess.Popen(
        command,
        cwd=desk.folder,
        env={**desk.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def desk():
    with tempfile.TemporaryDirectory(prefix="rl-") as folder, ExitStack() as stack:
        yield Desk(Path(folder), stack)


def test_the_page_leads_to_a_rotated_board(desk):
    seen = {}
    for command, status, stays in commands():
        if stays:
            desk.keep(command)
        else:
            seen[command] = desk.run(command, status)
        if command.startswith("rootlet lab offer"):
            assert desk.until([1, 2])["reason"] == "confirmed"
    assert "there already" in seen["rootlet rotate offer --port PORT pumps-2.rlt"]
    shown = seen["rootlet rotate status --port PORT"]
    assert re.search(r"^floor +1\.2$", shown, re.MULTILINE)
    assert re.search(r"^key set +version 1 for pumps, 2 of 2 keys$", shown, re.MULTILINE)
    assert re.search(r"^reason +confirmed$", shown, re.MULTILINE)
    reset = next(command for command in seen if command.endswith("--reset-trust"))
    assert "the board goes by this bundle again" in seen[reset]
    assert desk.until([1, 2])["floor"] == [1, 2]  # the retained offer is taken again


def test_the_page_names_no_other_command():
    kinds = {tuple(shlex.split(command)[:2]) for command, _, _ in commands()}
    assert ("rootlet", "rotate") in kinds
    assert {program for program, _ in kinds} == set(PROGRAMS)
