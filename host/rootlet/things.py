"""A list of devices to provision, as a spreadsheet program saves it: CSV with a header line.

Columns: ``thing`` (needed), and ``endpoint``, ``address``, ``port``, ``ntp``, ``offers``,
``common_name``; an empty cell, or a column that is not there, takes the default. UTF-8 with or
without a byte order mark, LF or CRLF, commas or semicolons (RFC 4180). Every line is checked
before the first device is made, and an error names the line.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.provision import Device

#: The largest list, in bytes and in devices.
MAX_FILE = 1 << 24
MAX_DEVICES = 100_000
_MAX_CELL = 512
_SETTINGS = ("thing", "endpoint", "address", "port", "ntp", "offers")
COLUMNS = (*_SETTINGS, "common_name")
#: How a cell starts that a spreadsheet would run; no column holds anything like it.
_FORMULA = ("=", "+", "@")


def read(data: bytes, where: str, default: Device) -> list[Device]:
    """Return the devices of a list, each checked as ``provision.create`` would.

    ``default`` gives what a line leaves out. Raises InputError with the line's number.
    """
    found: dict[str, int] = {}
    devices: list[Device] = []
    for line, row in _rows(_text(data, where), where):
        device = _device(row, default, f"{where}, line {line}")
        thing = device.settings.thing
        first = found.setdefault(thing, line)
        if first != line:
            raise _bad(f"{where}, line {line}", f"{thing} is in line {first} already")
        if len(devices) == MAX_DEVICES:
            raise _bad(where, f"over {MAX_DEVICES} devices")
        devices.append(device)
    if not devices:
        raise _bad(where, "no device is in it")
    return devices


def _text(data: bytes, where: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad(where, "it is not UTF-8 text; save it as CSV UTF-8") from None
    if "\0" in text:
        raise _bad(where, "it holds binary data")
    return text


def _rows(text: str, where: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, column -> cell) of each line that is not empty."""
    header = text.partition("\n")[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        _check_header(columns, where)
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(columns):
                what = f"{where}, line {reader.line_num}"
                raise _bad(what, f"{len(cells)} cells, the header has {len(columns)}")
            yield reader.line_num, dict(zip(columns, map(str.strip, cells), strict=True))
    except csv.Error as error:
        raise _bad(f"{where}, line {reader.line_num}", str(error)) from error


def _check_header(columns: list[str], where: str) -> None:
    unknown = [name[:40] for name in columns if name not in COLUMNS]
    if unknown or "thing" not in columns or len(set(columns)) != len(columns):
        why = f"{unknown[0]!r} is no column" if unknown else "each once, and thing is needed"
        raise InputError(
            f"{where}: the first line does not name the columns",
            why=why,
            hint=f"use some of: {','.join(COLUMNS)}",
            code="FORMAT",
        )


def _device(row: dict[str, str], default: Device, where: str) -> Device:
    for name, cell in row.items():
        if len(cell) > _MAX_CELL or cell.startswith(_FORMULA):
            why = "a formula" if cell.startswith(_FORMULA) else "too long"
            raise _bad(where, f"{name}: {cell[:40]!r} is {why}")
    given = {name: row[name] for name in _SETTINGS if row.get(name)}
    port = given.pop("port", str(default.settings.port))
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise _bad(where, f"port: {port[:40]!r} is no number")
    texts: dict[str, Any] = {"thing": "", **given}
    settings = replace(default.settings, port=int(port), **texts)
    device = replace(
        default,
        settings=settings,
        common_name=row.get("common_name") or default.common_name,
    )
    try:
        device.files()
    except InputError as error:
        what = f"{where}: {error.what}"
        raise InputError(what, why=error.why, hint=error.hint, code=error.code) from error
    return device


def _bad(where: str, why: str) -> InputError:
    return InputError(f"{where}: {why}", hint="docs/provision.md tells the form", code="FORMAT")
