"""The programs on a board: whether what its owner wrote verifies the server."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from rootlet import unverified

if TYPE_CHECKING:
    from rootlet.doctor.board import Board

_LIMIT = 65_536  # bytes of one file that are looked at
_PART = 4096
#: A keyword that umqtt.simple 1.4 and 1.5 do not take.
_PARAMS = "ssl_params"


def look(board: Board) -> str:
    """Look at each ``.py`` file outside the device package; those in ``lib`` are only named."""
    notes, count = [], 0
    for path, size in board.ask("sources"):
        text = read(board, path, size)
        found = unverified.findings(text, "micropython")
        count += 1
        if path.startswith("lib/"):
            notes += [f"{path}:{found[0].line} does not verify"] if found else []
            continue
        for one in sorted(found, key=lambda one: (one.code != "NOVERIFY", one.line)):
            raise board.kit.fail(one.code, f"{path}:{one.line}: {one.what}: {one.why}")
        if _PARAMS in text and _PARAMS not in board.umqtt:
            why = f"{path} gives {_PARAMS}, which this umqtt.simple does not take"
            raise board.kit.fail("UMQTT", why)
    seen = f"{count} looked at: none skips verification" if count else "no programs but our own"
    return "; ".join([seen, *notes])


def read(board: Board, path: str, size: int) -> str:
    """Return the text of a file, at most its first 64 KB."""
    data = b""
    for start in range(0, min(size, _LIMIT), _PART):
        part = board.ask("read", path, start, _PART)
        data += base64.b64decode(part or "")
    return data.decode(errors="replace")
