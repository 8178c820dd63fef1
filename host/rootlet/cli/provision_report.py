"""What ``rootlet provision`` tells of devices, for people and for machines; never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rootlet.cli import show

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet.batch import Report
    from rootlet.flash import Report as Flashed
    from rootlet.provision import Made


def document(made: Made) -> dict[str, Any]:
    """Return the fields of the JSON document about one device."""
    return {
        "thing": made.thing,
        "folder": str(made.folder),
        "key_id": made.key_id,
        "certificate_id": made.certificate_id or None,
        "ends": f"{made.ends:%Y-%m-%dT%H:%M:%SZ}" if made.ends else None,
    }


def board_document(port: str | None, flashed: Flashed | None) -> dict[str, Any]:
    """Return the field about the board that got it."""
    if flashed is None:
        return {"board": None}
    told = {"written": flashed.written, "unchanged": flashed.unchanged}
    return {"board": {"port": port, **told, "bytes_written": flashed.bytes_written}}


def show_one(made: Made, port: str | None, flashed: Flashed | None) -> None:
    """Print what one device has now, and what to type next."""
    facts = {"thing": made.thing, "folder": f"{made.folder}, which only you may enter"}
    if made.ends:
        facts["certificate id"] = made.certificate_id
        facts["ends"] = f"{made.ends:%Y-%m-%d}"
        facts["next"] = f"rootlet flash --port auto BUNDLE.rlt --device {made.folder}"
    else:
        facts["certificate"] = f"none yet; an authority makes it of {made.folder}/device.csr"
        facts["next"] = f"rootlet provision -o {made.folder} --cert FILE"
    if flashed is not None:
        del facts["next"]
        wrote = f"{len(flashed.written)} files, {flashed.bytes_written} bytes written"
        facts["board"] = f"{port}: {wrote if flashed.written else 'up to date, nothing written'}"
    show.facts(facts)


def list_document(report: Report, folder: Path) -> dict[str, Any]:
    """Return the fields of the JSON document about a list."""
    return {
        "folder": str(folder),
        "devices": report.done,
        "made": len(report.made),
        "completed": len(report.completed),
        "there": len(report.there),
        "gone": report.gone,
        "different": report.different,
        "damaged": report.damaged,
    }


def show_list(report: Report, folder: Path) -> None:
    """Print what became of a list."""
    parts = (
        (len(report.made), "made"),
        (len(report.completed), "got their certificate"),
        (len(report.there), "were there"),
    )
    told = ", ".join(f"{count} {what}" for count, what in parts if count) or "none made"
    click.echo(f"{folder}: {report.done} devices: {told}")
    for names, what in (
        (report.gone, "have been made, but their folders are gone: no second key was made"),
        (report.different, "have other settings in their folders than they would get now"),
    ):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            click.echo(f"warning: {len(names)} {what}: {', '.join(names[:5])}{more}", err=True)
