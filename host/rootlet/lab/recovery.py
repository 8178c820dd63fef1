"""The recovery server: signed files over plain HTTP, for devices that trust nobody any more.

It serves ``<base>/latest.rlt`` and ``<base>/keys-<n>.rlk`` and nothing else. What is wrong with
it is chosen by name; a device must survive each (security-rules 11).
"""

from __future__ import annotations

import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = "/rootlet"
Fault = Literal["", "endless", "trickle", "redirect", "huge", "status", "silent"]

_NAME = re.compile(rf"{BASE}/(latest\.rlt|keys-[1-9][0-9]{{0,9}}\.rlk)")
_LARGEST = 65_536  # bytes of a file that is served
_HUGE = 4 * 2**30  # bytes that a header promises: more than 32 bits hold
_BLOCK = b"\0" * 1_024


class RecoveryServer:
    """A context manager that serves the files in ``folder``; ``port`` 0 takes any.

    ``fault`` may change at any time: ``endless`` never ends its body and tells no length,
    ``trickle`` sends one byte a second, ``redirect`` answers 302 to another host, ``huge``
    promises 4 GiB, ``status`` answers 500 with the file as body, ``silent`` accepts and says
    nothing. ``asked`` is every path asked for.
    """

    def __init__(self, folder: Path, address: str = "127.0.0.1", port: int = 0) -> None:
        self.folder = folder
        self.fault: Fault = ""
        self.asked: list[str] = []
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer((address, port), _handler(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(0.05), name="lab recovery", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def read(self, path: str) -> bytes | None:
        """Return the file that a path names, or None."""
        found = _NAME.fullmatch(path)
        file = self.folder / found[1] if found else None
        if file is None or not file.is_file():
            return None
        with file.open("rb") as opened:
            return opened.read(_LARGEST)


def _handler(site: RecoveryServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One connection. HTTP/1.0: one answer, and its end is the end of the connection."""

        timeout = 20

        def do_GET(self) -> None:
            site.asked.append(self.path)
            body = site.read(self.path)
            if body is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                _ANSWERS[site.fault](self, body, site.ended)
            except OSError:  # the client has gone: it had heard enough
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing: what was asked for is in ``asked``."""

    return Handler


def _begin(
    answer: BaseHTTPRequestHandler, length: int | None, status: HTTPStatus = HTTPStatus.OK
) -> None:
    answer.send_response(status)
    if length is not None:
        answer.send_header("Content-Length", str(length))
    answer.end_headers()


def _whole(answer: BaseHTTPRequestHandler, body: bytes, _: threading.Event) -> None:
    _begin(answer, len(body))
    answer.wfile.write(body)


def _endless(answer: BaseHTTPRequestHandler, _: bytes, ended: threading.Event) -> None:
    _begin(answer, None)
    while not ended.is_set():
        answer.wfile.write(_BLOCK)


def _trickle(answer: BaseHTTPRequestHandler, body: bytes, ended: threading.Event) -> None:
    _begin(answer, len(body))
    for byte in body:
        answer.wfile.write(bytes((byte,)))
        if ended.wait(1):
            return


def _redirect(answer: BaseHTTPRequestHandler, _: bytes, __: threading.Event) -> None:
    answer.send_response(HTTPStatus.FOUND)
    answer.send_header("Location", f"http://elsewhere.invalid{BASE}/latest.rlt")
    answer.send_header("Content-Length", "0")
    answer.end_headers()


def _huge(answer: BaseHTTPRequestHandler, body: bytes, ended: threading.Event) -> None:
    _begin(answer, _HUGE)
    answer.wfile.write(body)
    while not ended.is_set():
        answer.wfile.write(_BLOCK)


def _status(answer: BaseHTTPRequestHandler, body: bytes, _: threading.Event) -> None:
    _begin(answer, len(body), HTTPStatus.INTERNAL_SERVER_ERROR)
    answer.wfile.write(body)


def _silent(_: BaseHTTPRequestHandler, __: bytes, ended: threading.Event) -> None:
    ended.wait()


_ANSWERS: dict[str, Callable[[BaseHTTPRequestHandler, bytes, threading.Event], None]] = {
    "": _whole,
    "endless": _endless,
    "trickle": _trickle,
    "redirect": _redirect,
    "huge": _huge,
    "status": _status,
    "silent": _silent,
}
