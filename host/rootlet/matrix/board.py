"""Boards as clients: with our device package, or with a program of the user's own.

The lab's bundle and identity go into a folder of their own on the board, which is removed at
the end: what the board holds for its real endpoint is not touched.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Self

from rootlet import board as boards
from rootlet import flash
from rootlet.boardio import mpy
from rootlet.boardio.remote import BoardExceptionError, Remote
from rootlet.errors import BoardError
from rootlet.matrix.client import THING, TOPIC, Kit, Report, one_line, untold
from rootlet.matrix.verdict import UNEXPLAINED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rootlet.lab.scenarios import Scenario

#: The folder on the board, alone in the root directory.
FOLDER = "rootlet-matrix"
_MEMORY = 40_960  # bytes: see scenarios.NEEDS
#: A board's own time limit is per step; a connection has a few of them.
_STEPS = 4
_WORD = re.compile(r"\{(host|port|name|folder|anchors|profile)\}")


class _OnBoard:
    """What both kinds of program on a board share."""

    def __init__(self, port: str) -> None:
        self.port = port
        self._probe: dict[str, Any] = {}
        self._abilities: dict[str, Any] = {}

    def __enter__(self) -> Self:
        with Remote(self.port) as board:
            self._probe = board.probe()
            flash.check_board(self.port, self._probe)
            self._abilities = json.loads(board.snippet("abilities"))
        return self

    def __exit__(self, *_: object) -> None:
        with Remote(self.port) as board:
            board.snippet("files")
            board.run(f"_remove({FOLDER!r})")

    @property
    def firmware(self) -> str:
        """MicroPython's version and platform."""
        version = ".".join(map(str, self._probe["version"]))
        return f"MicroPython {version} on {self._probe['platform']}"

    def properties(self) -> dict[str, str]:
        """Return port, firmware and the board's own id."""
        return {
            "port": self.port,
            "firmware": self.firmware,
            "machine": self._probe["machine"],
            "unique_id": self._probe["unique_id"],
        }

    def lacks(self, scenario: type[Scenario]) -> str:
        """Return what the scenario needs and this board has not."""
        if "tls13" in scenario.needs and not self._abilities["tls13"]:
            return "this firmware does not offer TLS 1.3"
        if "memory" in scenario.needs and self._abilities["memory"] < _MEMORY:
            return f"{self._abilities['memory']:,} bytes of memory are too few for it"
        return ""


class Urootlet(_OnBoard):
    """A board that runs MicroPython with our device package, which is brought up to date."""

    @property
    def name(self) -> str:
        """The package and the firmware."""
        return f"urootlet on {self.firmware}"

    def __enter__(self) -> Self:
        super().__enter__()
        with Remote(self.port) as board:
            bring(board, mpy.compile_package())
        return self

    def attempt(self, kit: Kit, _decided: Callable[[], bool]) -> Report:
        """Connect with ``urootlet.connect`` and publish a message."""
        files = kit.files(boards.load("virtual"))
        with Remote(self.port) as board:
            bring(board, {f"{FOLDER}/{name}": data for name, data in files.items()})
            board.snippet("connect")
            try:
                printed = board.run(
                    f"_connect({TOPIC!r},'hello',{FOLDER + '/'!r})", silence=_STEPS * kit.timeout
                )
            except BoardExceptionError as error:
                return Report(UNEXPLAINED, one_line(error.why))
        return report(printed)


class Script(_OnBoard):
    """A board with a MicroPython program of the user's own, judged by what the lab sees.

    ``{host}``, ``{port}`` and ``{name}`` in it become where to connect and whom to ask for;
    ``{folder}`` the folder with ``cert.der`` and ``key.der``, ``{anchors}`` a list of the files
    that hold the roots (DER), ``{profile}`` the families to offer. Nothing else is replaced.
    """

    def __init__(self, port: str, source: str, title: str) -> None:
        super().__init__(port)
        self._source = source
        self._title = title

    @property
    def name(self) -> str:
        """The script and the firmware."""
        return f"{self._title} on {self.firmware}"

    def lacks(self, scenario: type[Scenario]) -> str:
        """Return why not, also when the script cannot be told what the scenario asks of it."""
        if scenario.bundle.profile != "both" and "{profile}" not in self._source:
            return "the script takes no {profile}"
        return untold(scenario) or super().lacks(scenario)

    def attempt(self, kit: Kit, decided: Callable[[], bool]) -> Report:
        """Run the script until it ends or the lab has seen enough."""
        roots = {f"{FOLDER}/{anchor}.der": der for anchor, der in kit.anchors}
        files = kit.files(boards.load("virtual"))
        identity = {f"{FOLDER}/{name}": files[name] for name in ("cert.der", "key.der")}
        words = {
            "host": kit.host,
            "port": str(kit.port),
            "name": kit.endpoint,
            "folder": FOLDER,
            "anchors": repr(list(roots)),
            "profile": kit.hint.profile,
        }
        code = _WORD.sub(lambda found: words[found[1]], self._source)
        with Remote(self.port) as board:
            bring(board, roots | identity)
            return Report(None, one_line(board.play(code, decided, _STEPS * kit.timeout)))


def bring(board: Remote, files: Mapping[str, bytes]) -> None:
    """Write those files that are not on the board already, each atomically."""
    board.snippet("files")
    held = board.hashes(list(files))
    for (path, data), digest in zip(files.items(), held, strict=True):
        if digest != hashlib.sha256(data).hexdigest():
            board.put(path, data, lambda _size: None)


def report(printed: str) -> Report:
    """Read what the snippet ``connect`` printed. Raises BoardError for anything else."""
    try:
        answer = json.loads(printed.strip().splitlines()[-1])
        if "code" in answer:
            return Report(str(answer["code"]), one_line(str(answer["detail"])))
        return Report("", f"{answer['protocol']}, {answer['suite']}")
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise BoardError(
            "the client's answer makes no sense",
            why=f"it printed {printed[-80:]!r}",
            hint=f"look at its prompt; {THING} is what it calls itself",
        ) from error
