"""A page of the documentation as a person follows it: each command, in order, as it stands there.

Commands are the indented blocks of a page. A backslash continues a line, `&` at the end keeps a
program running, `# exits with N` says how a command ends. `PORT` is the board's serial port; ports
of the network that a page names are exchanged for free ones.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPOSITORY = Path(__file__).parents[1]
PROGRAMS = {
    "rootlet": [sys.executable, "-m", "rootlet"],
    "mpremote": [sys.executable, "-m", "mpremote"],
    "python3": [sys.executable],
    "openssl": ["openssl"],
    "mkdir": ["mkdir"],
    "cp": ["cp"],
    "ln": ["ln"],
}
_NETWORK_PORTS = ("8080", "8883", "8884")


class Command(NamedTuple):
    """One command of a page: its exit status, and whether it stays running."""

    text: str
    status: int
    stays: bool


def commands(page: str) -> list[Command]:
    """Return the commands of ``docs/PAGE``."""
    text = (REPOSITORY / "docs" / page).read_text()
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = "\n".join(line[4:] for line in prose.splitlines() if line.startswith("    "))
    found = []
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        command, _, note = line.partition(" # exits with ")
        command = command.partition(" # ")[0].rstrip()
        stays = command.endswith(" &")
        found.append(Command(command.removesuffix(" &"), int(note or 0), stays))
    return found


class Desk:
    """A folder in which the commands run, and what stays running meanwhile."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        # Lab and board live in it; a Unix socket's path has 107 bytes in all.
        temporary = tempfile.TemporaryDirectory(prefix="rl-")
        self.folder = Path(self._stack.enter_context(temporary))
        self._names = dict(zip(_NETWORK_PORTS, map(str, _free_ports()), strict=True))
        self.environment = {**os.environ, "TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"}
        self._names["CHECKOUT"] = str(REPOSITORY)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def exchange(self, name: str, value: str) -> None:
        """Put ``value`` where a page says ``name``."""
        self._names[name] = value

    def follow(self, page: str) -> dict[str, str]:
        """Run every command of a page; return what each has printed."""
        return {one.text: self.do(one) for one in commands(page)}

    def do(self, command: Command) -> str:
        """Run or start one command; return what it printed."""
        if not command.stays:
            return self.run(command.text, command.status)
        self._keep(command.text)
        return ""

    def run(self, command: str, status: int = 0) -> str:
        """Run a command, which must end with ``status``; return its output."""
        done = subprocess.run(
            self._words(command),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _keep(self, command: str) -> None:
        """Start what stays running, and learn the board's port from what it prints."""
        process = self._stack.enter_context(self._started(self._words(command)))
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("port: "):
                self._names["PORT"] = line.split()[1]
            if line.startswith(("stop: ", "Serving ")):
                return
        raise AssertionError(f"{command} ended")

    def _words(self, command: str) -> list[str]:
        program, *words = shlex.split(command)
        known = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in self._names))
        exchanged = [known.sub(lambda found: self._names[found[0]], word) for word in words]
        return [*PROGRAMS[program], *exchanged]

    @contextmanager
    def _started(self, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
                process.wait(10)


def _free_ports() -> list[int]:
    with ExitStack() as stack:
        ready = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in _NETWORK_PORTS
        ]
        return [one.getsockname()[1] for one in ready]
