"""Programs of this computer as clients: our own package on CPython, or any command.

A command is split as a shell would (shlex), but no shell ever sees it: what is put in for
``{host}`` and the like stays one word, whatever is in it.
"""

from __future__ import annotations

import platform
import re
import shlex
import ssl
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rootlet import board as boards
from rootlet import resources
from rootlet.boardio import program
from rootlet.errors import InputError
from rootlet.lab.socks import Socks
from rootlet.lab.vault import write_private
from rootlet.matrix.board import report
from rootlet.matrix.client import THING, TOPIC, Kit, Report, one_line, untold
from rootlet.matrix.verdict import UNEXPLAINED
from rootlet.pem import armour

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.lab.scenarios import Scenario

_STEPS = 4
_WORD = re.compile(r"\{(host|port|sni|cafile|cert|key|ciphers|socks)\}")
_PLACE = re.compile(r"\{(?:port|socks)\}")
_CIPHERS = {
    "ecdsa": "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
    "rsa": "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
}
_CIPHERS["both"] = f"{_CIPHERS['ecdsa']}:{_CIPHERS['rsa']}"


class _Program:
    """A client with a folder of its own for each attempt, which is gone afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing: each attempt has cleaned up."""


class Gateway(_Program):
    """``urootlet`` on this CPython, in a process of its own."""

    @property
    def name(self) -> str:
        """The package and the interpreter."""
        return f"urootlet on CPython {platform.python_version()}"

    def properties(self) -> dict[str, str]:
        """Return the interpreter and its TLS library."""
        return {"firmware": f"CPython {platform.python_version()}", "tls": ssl.OPENSSL_VERSION}

    def lacks(self, scenario: type[Scenario]) -> str:
        """Return whether this Python lacks TLS 1.3; memory it has."""
        return "" if ssl.HAS_TLSv1_3 or "tls13" not in scenario.needs else "no TLS 1.3"

    def attempt(self, kit: Kit, _decided: Callable[[], bool]) -> Report:
        """Connect with ``urootlet.connect`` and publish a message."""
        code = (files("rootlet.boardio") / "snippets" / "connect.py").read_text()
        with tempfile.TemporaryDirectory(prefix="rootlet-") as name:
            folder = Path(name)
            for path, data in kit.files(boards.load("linux-gateway")).items():
                write_private(folder / path, data)
            ended = program.run(
                # -P: the folder holds data, and is no place to import from.
                [sys.executable, "-P", "-c", f"{code}\n_connect({TOPIC!r}, 'hello')"],
                folder=folder,
                enough=lambda: False,
                seconds=_STEPS * kit.timeout,
                environment={"PYTHONPATH": str(resources.device_package().parent)},
            )
        if ended.status != 0:
            return Report(UNEXPLAINED, one_line(ended.output) or "no word")
        return report(ended.output)


class Command(_Program):
    """Any client program, judged by what the lab sees of it; its exit status says nothing.

    ``template`` holds ``{host}`` and ``{port}`` (where to connect), ``{sni}`` (the name to ask
    for and to verify), ``{cafile}`` (PEM, the roots in full), ``{cert}`` and ``{key}`` (PEM),
    ``{ciphers}`` (OpenSSL names), ``{socks}`` (address and port of a SOCKS5 proxy that leads
    every name to the lab, for a client that verifies the name that it connects to). An MQTT
    CONNECT waits on its standard input, for clients that send what they are given. Raises
    InputError for a template that cannot be split or connect.
    """

    def __init__(self, template: str) -> None:
        try:
            self._words = shlex.split(template)
        except ValueError as error:
            raise InputError(
                "--client cannot be split into words", why=str(error), hint="close the quotes"
            ) from error
        if not self._words or not {"{port}", "{socks}"} & set(_PLACE.findall(template)):
            raise InputError(
                "--client does not say where to connect",
                why="the lab takes a free port, so the command needs {port} or {socks}",
                hint="rootlet matrix --client 'CMD {host} {port} {sni} {cafile} {cert} {key}'",
            )
        self._words[0] = program.find(self._words[0])
        self._template = template

    @property
    def name(self) -> str:
        """The program's file name."""
        return Path(self._words[0]).name

    def properties(self) -> dict[str, str]:
        """Return the command as it was given."""
        return {"command": self._template}

    def lacks(self, scenario: type[Scenario]) -> str:
        """Return why not when the command cannot be told what the scenario asks of it."""
        if scenario.bundle.profile != "both" and "{ciphers}" not in self._template:
            return "the command takes no {ciphers}"
        return untold(scenario)

    def attempt(self, kit: Kit, decided: Callable[[], bool]) -> Report:
        """Run the command until it ends or the lab has seen enough."""
        with (
            Socks((kit.host, kit.port)) as socks,
            tempfile.TemporaryDirectory(prefix="rootlet-") as name,
        ):
            values = {**_values(kit, Path(name)), "socks": f"127.0.0.1:{socks.port}"}
            ended = program.run(
                [_WORD.sub(lambda found: values[found[1]], word) for word in self._words],
                folder=Path(),  # the user's own: files that the command names are found
                enough=decided,
                seconds=kit.timeout,
                given=_CONNECT,
            )
        how = "was ended" if ended.status is None else f"exit status {ended.status}"
        return Report(None, one_line(ended.output) or how)


def _values(kit: Kit, folder: Path) -> dict[str, str]:
    """Write the files of a kit into ``folder``; return what stands for each placeholder."""
    roots = "".join(armour(der) for _, der in kit.anchors).encode()
    cert, key = kit.identity.write(folder)
    return {
        "host": kit.host,
        "port": str(kit.port),
        "sni": kit.endpoint,
        "cafile": str(write_private(folder / "roots.pem", roots)),
        "cert": str(cert),
        "key": str(key),
        "ciphers": _CIPHERS[kit.hint.profile],
    }


def _connect_packet(client_id: str) -> bytes:
    """Return an MQTT 3.1.1 CONNECT, clean session, keep alive 60 s (sections 3.1.2, 3.1.3)."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(name).to_bytes(2, "big") + name
    return bytes((0x10, len(body))) + body


_CONNECT = _connect_packet(THING)
