"""What ``rootlet flash`` says of each board, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from rootlet import __version__, flash

if TYPE_CHECKING:
    from rootlet.flash_chip import Report as ChipReport
    from rootlet.flash_drive import Report as DriveReport
    from rootlet.parallel import Outcome


def document(outcome: Outcome[Any]) -> dict[str, Any]:
    """Return one entry of ``boards`` in ``rootlet/flash/2``; docs/flashing.md names the fields."""
    if outcome.error is not None:
        error = outcome.error
        told = {"what": error.what, "why": error.why, "hint": error.hint, "code": error.code}
        return {"port": outcome.port, "ok": False, "error": told}
    report: Any = outcome.result
    fields = asdict(report)
    if "partition" in fields:
        chip, place = report.chip, report.partition
        fields["chip"] = chip._asdict()
        fields["partition"] = {"offset": place.offset, "size": place.size} if place else None
    return {"port": outcome.port, "ok": True, "way": _way(report)[0], **fields}


def show(outcome: Outcome[Any], *, briefly: bool) -> None:
    """Print what was done on a board; one line if ``briefly``."""
    _way(outcome.result)[1](outcome.port, outcome.result, briefly)


def _way(report: Any) -> tuple[str, Any]:
    if isinstance(report, flash.Report):
        return "prompt", _at_prompt
    return ("loader", _through_loader) if hasattr(report, "partition") else ("drive", _on_drive)


def _at_prompt(port: str, report: flash.Report, briefly: bool) -> None:
    if not briefly:
        for path in report.written:
            click.echo(f"written: {path}")
    if report.replaced and report.replaced != __version__:
        click.echo(f"{port}: device package {report.replaced} is {__version__} now")
    if report.removed:
        _note(port, f"removed what was not of it: {', '.join(report.removed)}", briefly)
    if report.written:
        click.echo(f"{port}: {len(report.written)} files, {report.bytes_written} bytes written")
    elif report.settled:
        click.echo(f"{port}: no file written; the board goes by this bundle again")
    else:
        click.echo(f"{port}: up to date, nothing written")
    if not report.board["umqtt"]:
        _note(port, "it has no umqtt.simple: mpremote mip install umqtt.simple", briefly)
    if not report.keys:
        _note(port, "no update keys (NOKEYS): every offer is refused; see --trust-keys", briefly)
    if report.board.get("romfs"):
        size = report.board["romfs"]
        _note(
            port,
            f"it has a ROMFS of {size} bytes, which runs the package from flash: "
            f"rootlet image --romfs -o urootlet.romfs",
            briefly,
        )
    _missing(port, report.missing, briefly)


def _through_loader(port: str, report: ChipReport, briefly: bool) -> None:
    chip = report.chip
    click.echo(f"{port}: {chip.name}, MAC {chip.mac}, {chip.flash_bytes >> 20} MB of flash")
    if report.firmware:
        click.echo(f"{port}: MicroPython {report.firmware} written")
    if report.partition is not None:
        place = f"{report.partition.size} bytes at {report.partition.offset:#x}"
        if report.written or report.bytes_written:
            click.echo(
                f"{port}: file system of {place} written, {len(report.written)} files new, "
                f"{len(report.kept)} kept"
            )
        else:
            click.echo(f"{port}: file system of {place} up to date, nothing written")
    if report.bytes_written and not report.restarted:
        _note(port, "this port cannot reset the board: press its EN or RESET button", briefly)
    _missing(port, report.missing, briefly)


def _on_drive(port: str, report: DriveReport, _briefly: bool) -> None:
    click.echo(f"{report.drive}: firmware for {report.chip}, {report.bytes_written} bytes written")
    click.echo(f"next: rootlet flash --port {'auto' if port == report.drive else port} BUNDLE.rlt")


def _missing(port: str, missing: list[str], briefly: bool) -> None:
    if missing:
        _note(port, f"still missing on the board: {', '.join(missing)}", briefly)
        _note(port, "make one with rootlet provision, and write it with --device DIR", briefly)


def _note(port: str, text: str, briefly: bool) -> None:
    click.echo(f"{port}: {text}" if briefly else text, err=True)
