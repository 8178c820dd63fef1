"""The desk at which the commands of a page are typed: a folder, and what they name is there.

Commands run as they stand on the page, rootlet's own in this process. What stands for something
(``PORT``, ``/dev/ttyUSB0``, ``ID``) is exchanged, and a file that a page takes for granted is put
there when a command first names it (page_stock.py).
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from click.testing import CliRunner

import page_stock
from page_world import ENDPOINT
from pages import REPOSITORY
from rootlet.boardio.virtual import VirtualBoard
from rootlet.cli import cli
from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import pytest

    from page_world import World
    from rom_loader import Esp32
    from shown import Shown

SOME_ID = "0123456789abcdef" * 4
SECRET = "correct horse battery"
NAMES = REPOSITORY / "tests" / "world_names"
#: What a command is given besides, where the page's form runs for ever, or for minutes.
ALSO = {
    "rootlet lab up": "--port 0",
    "rootlet aws certs revoke": "--yes",
    "rootlet aws certs delete": "--yes",
    "rootlet matrix": "--scenario honest --scenario lookalike-root --timeout 30",
    "python -m urootlet": "--once",
    "pytest": "-q -p no:cacheprovider -W error",
}
#: What stays running until the end of the page; its last word when it is ready.
STAYS = re.compile(r"rootlet (lab up|board virtual)\b")
_READY = "stop: Ctrl-C"
#: What follows is written, or is a name of a thing, and not a file that must be there.
_NEW = re.compile(
    r"(?:-o|-out|--output|--html|--svg|--sarif|--save|--junit|--detached|--thing|key new) (\S+)"
)
#: Answers of a day, or of a computer: no is as good as yes.
_ASKS = re.compile(r"rootlet (audit|certs check|certs update|trust check) ")
#: What asks about Amazon's roots is told no, by this code: the lab has other keys.
_ASKS_LAB = re.compile(r"rootlet ((probe|verify) .*ecc\.rlt|advise --chain)")
#: What asks AWS, and for a roll-out that has to be there.
_AWS = re.compile(
    r"--aws|\baws\b|--target|--fleet|rotate (start|stop|status --job)|thing/|report .*--thing"
)
_ROLLED_OUT = re.compile(r"status --(target|job)|--fleet pumps|report .*--thing")
#: What asks a board for something that has to be flashed before.
_FLASHED = re.compile(r"rootlet (doctor|report|rotate (offer|identity|status)) --port|mpremote ")


class Desk:
    """A folder in which the commands of a page, or of a section of one, run in their order."""

    def __init__(
        self,
        world: World,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        chip: Callable[[], AbstractContextManager[Esp32]],
        words: dict[str, str],
    ) -> None:
        self.world, self.folder, self.words = world, folder, words
        self._monkeypatch, self._chip = monkeypatch, chip
        self._stack = ExitStack()
        self._boards: list[VirtualBoard] = []
        self._stays: list[subprocess.Popen[str]] = []
        self._flashed = self._rolled_out = False
        self.region = f"eu-page-{os.urandom(4).hex()}"

    def __enter__(self) -> Self:
        self.folder.mkdir()
        for name in ("device", "examples", "certs"):
            (self.folder / name).symlink_to(REPOSITORY / name)
        self._monkeypatch.chdir(self.folder)
        ours = f"{self.folder}{os.pathsep}{Path(sys.executable).parent}"
        self._monkeypatch.setenv("PATH", f"{ours}{os.pathsep}{os.environ['PATH']}")
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            for process in self._stays:
                process.send_signal(signal.SIGINT)
                told = process.communicate(timeout=30)[0]
                assert process.returncode == 0, told

    def board(self, number: int = 0) -> VirtualBoard:
        """Return the page's first or second board; it is new."""
        while len(self._boards) <= number:
            made = VirtualBoard(self.folder / f"board-{len(self._boards)}")
            self._boards.append(self._stack.enter_context(made))
        return self._boards[number]

    def run(self, shown: Shown) -> str:
        """Run a command of the page, which must end as the page says; return what it printed."""
        told = self._one(shown.text, shown.status)
        if shown.text.startswith("rootlet rotate start"):
            page_stock.confirm(self)
        return told

    def rootlet(self, *words: str, status: int = 0) -> str:
        """Run a command of rootlet in this process; return what it printed."""
        # As rootlet.cli.main does it: a command returns its exit status.
        result = CliRunner().invoke(cli, words, input=f"{SECRET}\n" * 2, standalone_mode=False)
        error = result.exception
        ended = result.return_value or 0
        if isinstance(error, RootletError):
            ended = error.exit_status
        elif isinstance(error, click.ClickException):
            ended = error.exit_code
        elif isinstance(error, SystemExit):
            ended = error.code
        elif error:
            raise error
        why = vars(error) if error else ""
        said = f"exit status {ended}, not {status}: rootlet {shlex.join(words)}"
        command = f"rootlet {' '.join(words)} "
        if _ASKS_LAB.match(command) and not status:
            told = getattr(error, "code", "")
            assert (ended, told) == (3, "ROOT"), f"{said}\n{result.output}{told}"
        else:
            fine = {status, 3} if _ASKS.match(command) else {status}
            assert ended in fine, f"{said}\n{result.output}{why}"
        return result.stdout

    def aws(self, service: str) -> Any:
        """Return a client of AWS's own library for this page's account."""
        import boto3  # noqa: PLC0415 - slow to import

        # Its own session: the one that boto3 keeps knows the credentials of another page, or none.
        session = boto3.session.Session("000000000000", "of-no-use", region_name=self.region)
        return session.client(service, endpoint_url=self.world.aws.url)

    def _one(self, command: str, status: int) -> str:
        command, _, file = command.partition(" > ")
        full = self._prepared(command)
        if STAYS.match(command):
            return self._start(full)
        if command.startswith("rootlet ") or "{host}" in command:
            told = self.rootlet(*shlex.split(full)[1:], status=status)
            if file:
                (self.folder / file).write_text(told)
            return told
        if command.startswith("aws "):
            return self._call(*shlex.split(full)[1:])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", full],
            input=f"{SECRET}\n",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            start_new_session=True,  # no terminal, so that openssl asks its standard input
        )
        assert done.returncode == status, f"{full}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _prepared(self, command: str) -> str:
        """Return a command with everything there that it needs, and the words of this world."""
        if "{host}" in command and not command.startswith("rootlet"):
            command = f"rootlet matrix --client {shlex.quote(command)}"
        more = next((text for start, text in ALSO.items() if command.startswith(start)), "")
        full = f"{command} {more}" if more and more.split()[0] not in command else command
        for word, value in self.words.items():
            known = rf"(?<![\w./-]){re.escape(word)}(?![\w-])"
            full = re.sub(known, value, full)
        if full.startswith("mpremote ") and not full.startswith("mpremote connect"):
            full = full.replace("mpremote", "mpremote connect PORT", 1)
        self._supply(full)
        return self._connected(full)

    def _supply(self, command: str) -> None:
        made = {word.rstrip("/") for word in _NEW.findall(command)}
        for word in shlex.split(command):
            name = word.rstrip("/")
            if name not in made and not (self.folder / name).exists():
                page_stock.put(self, name)

    def _connected(self, command: str) -> str:
        """Return a command with the ports of boards, and have AWS and the network there for it."""
        if " --firmware " in command:
            self._plug(self._stack.enter_context(self._chip()).port)
            return re.sub(r"--port \S+", "--port auto", command)
        if "/dev/ttyUSB1" in command or "--all" in command:
            self.board(1)
        if re.search(r"\bPORT\b|/dev/ttyUSB\d|--port auto|rootlet board list|--all", command):
            self.board()
            self._plug(*(one.port for one in self._boards))
            self._settle(command)
        if _AWS.search(command):
            self._account()
            if SOME_ID in command:
                command = command.replace(SOME_ID, page_stock.certificate(self))
            self._roll_out(command)
        if re.search(r"probe|https?://|--endpoint|lab offer", command):
            self.join_network()
        if "lab offer" in command:
            (self.folder.parent / "data" / "rootlet").mkdir(parents=True, exist_ok=True)
            self.world.services.write_roots()
            lab = self.folder.parent / "data" / "rootlet" / "lab"
            if not lab.exists():
                lab.symlink_to(self.world.folder / "lab")
        ports = {f"/dev/ttyUSB{number}": one.port for number, one in enumerate(self._boards)}
        ports["PORT"] = ports.get("/dev/ttyUSB0", "PORT")
        for word, port in ports.items():
            command = re.sub(rf"(?<!\S){word}(?!\S)", port, command)
        return command

    def _settle(self, command: str) -> None:
        """Have a board that connects to the lab, unless the page has flashed one."""
        if "doctor" in command:  # which a board with somebody else's settings would not please
            fresh = VirtualBoard(self.folder / f"board-{len(self._boards)}")
            self._boards.insert(0, self._stack.enter_context(fresh))
            self._plug(fresh.port)
            self._flashed = False
        if _FLASHED.match(command) and not self._flashed:
            page_stock.flash(self, self.board())
        self._flashed = self._flashed or command.startswith(("rootlet flash", "rootlet doctor"))

    def _roll_out(self, command: str) -> None:
        """Have a fleet with a roll-out, unless the page has started one."""
        if _ROLLED_OUT.search(command) and not self._rolled_out:
            page_stock.roll_out(self)
        self._rolled_out = self._rolled_out or "rotate start" in command

    def _plug(self, *ports: str) -> None:
        from serial.tools import list_ports, list_ports_common  # noqa: PLC0415 - slow to import

        usb = [list_ports_common.ListPortInfo(port) for port in ports]
        for one in usb:
            one.vid, one.pid = 0x10C4, 0xEA60
        self._monkeypatch.setattr(list_ports, "comports", lambda: usb)

    def _account(self) -> None:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "of-no-use",
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.world.aws.url,
        }.items():
            self._monkeypatch.setenv(name, value)
        from botocore.client import BaseClient  # noqa: PLC0415 - slow to import

        real = BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: Any) -> Any:
            """Answer as AWS IoT does: ministack's endpoint has a port in its name."""
            found = real(client, operation, parameters)
            return found | (
                {"endpointAddress": ENDPOINT} if operation == "DescribeEndpoint" else {}
            )

        self._monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def join_network(self) -> None:
        if "ROOTLET_WORLD" in os.environ:
            return
        names = self.world.names
        self._monkeypatch.setenv("ROOTLET_WORLD", json.dumps(names))
        self._monkeypatch.setenv("SSL_CERT_FILE", str(self.world.folder / "trusted.pem"))
        self._monkeypatch.setenv("PYTHONPATH", str(NAMES))
        self._monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
        found = importlib.util.spec_from_file_location("world_names", NAMES / "sitecustomize.py")
        assert found is not None
        assert found.loader is not None
        found.loader.exec_module(importlib.util.module_from_spec(found))

    def _start(self, command: str) -> str:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self._stays.append(process)
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if found := re.match(r"address[ :]+127.0.0.1 port (\d+)", line):
                self.words["127.0.0.1:8883"] = f"127.0.0.1:{found[1]}"
            if line.startswith(_READY):
                return "".join(told)
        raise AssertionError(f"{command} ended\n{''.join(told)}")

    def _call(self, service: str, operation: str, *options: str) -> str:
        """Do what a command of the AWS CLI does, which is made from the same service model."""
        client = self.aws(service)
        given: dict[str, Any] = {}
        for word, value in itertools.pairwise([*options, "--"]):
            if word.startswith("--"):
                given[word.removeprefix("--")] = True if value.startswith("--") else value
        for one in ("query", "output"):  # what the CLI makes of the answer
            given.pop(one, None)
        if given.get("certificate-signing-request") == "$(cat)":
            page_stock.put(self, "pump-7")
            given["certificate-signing-request"] = Path("pump-7/device.csr").read_text()
        method = operation.replace("-", "_")
        model = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[method]
        )
        members = {
            re.sub("(?<!^)(?=[A-Z])", "-", one).lower(): one for one in model.input_shape.members
        }
        return str(
            getattr(client, method)(**{members[key]: value for key, value in given.items()})
        )
