"""Read ``boards/*.toml``: what rootlet knows about a board, or a user says of their own.

A fact is ``{ value = ..., source = "..." }``; the source is a measurement with its date or a
vendor's file. ``docs/boards.md`` explains each key. ``--board ./mine.toml`` is a file from
outside, so every file is read as hostile input: size, names, types, lengths and control
characters are checked. Facts that several boards share live in ``boards/_NAME.toml`` and are
named by ``shared``; a later name wins over an earlier one, and the board's own fact over both.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rootlet import resources
from rootlet.board_model import (
    FIELDS,
    FORMS_OF,
    KEY_KINDS,
    KEYS,
    SECTIONS,
    Board,
    Fact,
    grid_keys,
)
from rootlet.board_values import printable
from rootlet.errors import InputError
from rootlet.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "FORMS_OF",
    "KEYS",
    "KEY_KINDS",
    "MAX_FILE_BYTES",
    "Board",
    "Fact",
    "ids",
    "load",
    "of_machine",
]

MAX_FILE_BYTES = 64 * 1024
_HINT = "docs/boards.md explains each key; `rootlet board show esp32` shows a complete board"
_TABLES = {
    key[:dot] for key in KEYS for dot, letter in enumerate(key) if letter == "."
}  # every table on the way to a fact


def ids() -> tuple[str, ...]:
    """Return the ids of the boards that rootlet knows, sorted."""
    names = (path.stem for path in resources.data("boards").glob("*.toml"))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def load(board: str | Path) -> Board:
    """Return a known board by id, or a user's own board by its file.

    A string that ends in ``.toml`` or holds a path separator names a file. Raises InputError
    that names the file and the key when something is missing, unknown or of the wrong kind.
    """
    if isinstance(board, Path) or board.endswith(".toml") or os.sep in board:
        return _read(Path(board))
    known = ids()
    if board not in known:
        raise InputError(
            f"no board is called {board[:60]!r}",
            why=did_you_mean(board, known, cutoff=0.5) or f"known: {', '.join(known)}",
            hint="rootlet board show",
        )
    return _read(resources.data("boards") / f"{board}.toml")


def of_machine(machine: str) -> Board | None:
    """Return the board that ``sys.implementation._machine`` names, None when there is no one.

    MicroPython writes ``NAME with CHIP``; its unix port, which a virtual board runs, begins with
    ``linux``. Of boards with the same chip the first by id is returned: their figures are those
    of the chip.
    """
    if machine.startswith("linux"):
        return load("virtual")
    chip = machine.rpartition(" with ")[2].replace("-", "").upper()
    found = map(load, ids())
    return next((one for one in found if _chip(one) == chip), None)


def _chip(board: Board) -> str:
    return board.chip.model.value.replace("-", "").upper()


def _read(path: Path) -> Board:
    table = _parse(path)
    name, shared = table.pop("name", None), table.pop("shared", [])
    if not printable(name, 60):
        raise _bad(path, "name", "wants a text of 1 to 60 printable characters")
    if not isinstance(shared, list) or len(shared) > 8:
        raise _bad(path, "shared", "wants a list of at most 8 names")
    facts: dict[str, Fact[Any]] = {}
    for one in shared:
        facts |= _shared(path, one)
    facts |= _facts(path, table)
    sections = {section: _section(path, section, facts) for section in SECTIONS}
    board = Board(id=path.stem, name=str(name), **sections)
    _check_sense(path, board)
    return board


def _shared(path: Path, name: object) -> dict[str, Fact[Any]]:
    """Read facts that several boards share; a name is the stem of ``boards/_NAME.toml``."""
    known = {one.stem[1:]: one for one in resources.data("boards").glob("_*.toml")}
    if not isinstance(name, str) or name not in known:
        raise _bad(path, "shared", f"wants names out of: {', '.join(sorted(known))}")
    return _facts(known[name], _parse(known[name]))


def _parse(path: Path) -> dict[str, Any]:
    """Read a TOML file; only a regular file, and never more of it than ``MAX_FILE_BYTES``."""
    try:
        if not path.is_file():
            raise InputError(
                f"{path}: not a file", why="a board is a TOML file", hint="rootlet board show"
            )
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot read it", why=str(error.strerror), hint=_HINT) from error
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{path}: over {MAX_FILE_BYTES} bytes", why="no board needs that much")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        why = "too deeply nested" if isinstance(error, RecursionError) else str(error)[:200]
        raise InputError(f"{path}: not TOML", why=why, hint=_HINT) from error


def _facts(path: Path, table: dict[str, Any]) -> dict[str, Fact[Any]]:
    return {key: _fact(path, key, value) for key, value in _flatten(path, table, "")}


def _flatten(path: Path, table: dict[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    """Walk the tables down to the facts; only along names that the schema has."""
    for name, value in table.items():
        key = prefix + name
        if "." in name:  # a quoted key must not pass for a path through the tables
            raise _bad(path, key, "a name holds no dot")
        if key in KEYS:
            yield key, value
        elif key not in _TABLES:
            close = did_you_mean(key[:80], KEYS, most=1)
            raise _bad(path, key, f"unknown key{close and f'; {close}'}")
        elif not isinstance(value, dict):
            raise _bad(path, key, "wants a table")
        else:
            yield from _flatten(path, value, key + ".")


def _fact(path: Path, key: str, given: object) -> Fact[Any]:
    if not isinstance(given, dict) or given.keys() - {"value", "source"} or "value" not in given:
        raise _bad(path, key, 'wants { value = ..., source = "..." } and nothing else')
    if "source" not in given:
        raise _bad(path, key, "source is missing: where was this measured or read?")
    source = given["source"]
    if not printable(source, 600):
        raise _bad(path, f"{key}.source", "wants a text of 1 to 600 printable characters")
    try:
        return Fact(KEYS[key].read(given["value"]), source)
    except ValueError as error:
        raise _bad(path, f"{key}.value", f"wants {error}") from error


def _section(path: Path, section: str, facts: dict[str, Fact[Any]]) -> Any:
    values: dict[str, Any] = {}
    for one in FIELDS[section]:
        key = f"{section}.{one.name}"
        if one.grid:
            values[one.name] = _grid(key, facts)
        elif key in facts:
            values[one.name] = facts[key]
        elif one.required:
            raise _bad(path, key, "is missing, and nothing works without it")
    return SECTIONS[section](**values)


def _grid(key: str, facts: dict[str, Fact[Any]]) -> Mapping[str, Mapping[str, Fact[int]]]:
    rows: dict[str, dict[str, Fact[int]]] = {}
    for name in grid_keys(key):
        if name in facts:
            key_kind, form = name.split(".")[-2:]
            rows.setdefault(key_kind, {})[form] = facts[name]
    return MappingProxyType({kind: MappingProxyType(row) for kind, row in rows.items()})


def _check_sense(path: Path, board: Board) -> None:
    """Refuse facts that cannot be true together; a bundle built on them would not work."""
    tls, flash = board.tls, board.flash
    if not set(tls.forms.value) <= set(FORMS_OF[tls.stack.value]):
        raise _bad(path, "tls.forms", f"{tls.stack.value} takes {FORMS_OF[tls.stack.value]}")
    if "1.3" in tls.versions.value and tls.family_choice.value == "suites":
        raise _bad(path, "tls.family_choice", "TLS 1.3 suites do not choose the family")
    if flash.size and flash.fs_bytes and flash.fs_bytes.value > flash.size.value:
        raise _bad(path, "flash.fs_bytes", "the file system is larger than the flash")
    if flash.fs_bytes and flash.block_bytes and flash.fs_bytes.value % flash.block_bytes.value:
        raise _bad(path, "flash.fs_bytes", "wants a multiple of flash.block_bytes")


def _bad(path: Path, key: str, why: str) -> InputError:
    shown = key if key.isascii() and key.isprintable() else repr(key)
    return InputError(f"{path}: {shown[:80]}", why=why, hint=_HINT)
