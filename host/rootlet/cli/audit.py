"""``rootlet audit``."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files
from rootlet.cli import show
from rootlet.cli.times import moment
from rootlet.words import plain

if TYPE_CHECKING:
    from rootlet.audit import Located, Report

_BREAKS = 3
_COLOURS = {"breaks": "red", "will break": "yellow", "note": "cyan", "fine": "green"}
_COUNTED = {"breaks": "break", "will break": "will break", "note": "noted", "fine": "fine"}
_INDENT = " " * 6


@click.command(
    epilog="""\b
Examples:
  rootlet audit firmware.bin
  rootlet audit src/ data/ --sarif audit.sarif
  rootlet audit /etc/ssl/certs/java/cacerts --at 2038-02-01 --json

Exit codes: 0 nothing breaks, 2 bad input, 3 something breaks or will.
"""
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--at", metavar="TIME", help="ISO 8601 or Unix seconds, UTC. Default: now.")
@click.option(
    "--within",
    metavar="DAYS",
    type=click.IntRange(0, 36500),
    default=365,
    show_default=True,
    help="What ends within so many days will break.",
)
@click.option(
    "--sarif", type=click.Path(path_type=Path, dir_okay=False), help="Write SARIF 2.1.0 as well."
)
@click.option("--all", "show_all", is_flag=True, help="Show what is fine and not Amazon's, too.")
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    paths: tuple[Path, ...],
    at: str | None,
    within: int,
    sarif: Path | None,
    show_all: bool,
    json_output: bool,
) -> None:
    """Find trust material in firmware, sources and key stores, and say whether it works.

    PATHS are files or folders: images (.bin, .uf2, .elf, littlefs, x509_crt_bundle), sources,
    PEM, DER, JKS and PKCS#12 stores, .mpy, .rlt, ZIP and tar. Finds certificates, keys of known
    CAs, pins of them, and code that does not verify the server. docs/audit.md says what each
    finding means.
    """
    from rootlet.audit import audit  # noqa: PLC0415 - loads the reading of certificates
    from rootlet.judge import Moment  # noqa: PLC0415

    asked = Moment(moment(at) if at else datetime.now(UTC), timedelta(days=within))
    with show.progress("auditing") as progress:
        report = audit(paths, asked, progress)
    if sarif:
        _write_sarif(sarif, report)
    if json_output:
        show.as_json("audit/1", _document(report, asked.at, within))
    else:
        _report(report, show_all=show_all)
    for problem in report.problems:
        name = _name(problem.file, problem.member)
        click.echo(f"warning: {name}: {plain(problem.why)}", err=True)
    if report.is_broken:
        sys.exit(_BREAKS)


def _write_sarif(path: Path, report: Report) -> None:
    from rootlet.sarif import document  # noqa: PLC0415 - only when asked for

    files.write(path, (json.dumps(document(report), indent=2) + "\n").encode())


def _name(file: str, member: str) -> str:
    return plain(f"{file}!{member}" if member else file)


def _report(report: Report, *, show_all: bool) -> None:
    """Print the findings file by file, and how many there are."""
    shown = [one for one in report.findings if show_all or not _is_dull(one)]
    for (file, member), findings in groupby(shown, key=lambda one: (one.file, one.member)):
        click.secho(_name(file, member), bold=True)
        for one in findings:
            _draw(one)
        click.echo()
    looked = f"{report.files} file{'s' * (report.files != 1)}, {report.size:,} bytes"
    if not report.findings:
        click.echo(f"nothing found in {looked}")
        return
    counts = Counter(one.finding.level for one in report.findings)
    words = [f"{counts[level]} {word}" for level, word in _COUNTED.items() if counts[level]]
    hidden = len(report.findings) - len(shown)
    rest = f"; --all shows {hidden} more that are fine" if hidden else ""
    show.paragraph(f"{', '.join(words)}; {looked}{rest}", "")


def _is_dull(one: Located) -> bool:
    return one.finding.level == "fine" and one.finding.ready == "-"


def _draw(one: Located) -> None:
    finding = one.finding
    place = f"{one.unit} {one.at}" if one.unit == "line" else f"{one.unit} {one.at:#x}"
    level = click.style(finding.level, fg=_COLOURS[finding.level])
    click.echo(f"  {level}  {finding.code}  {place}")
    show.paragraph(plain(f"{finding.what} ({finding.form})"), _INDENT)
    show.paragraph(f"{plain(finding.why)}{_ends(one)}", _INDENT)
    if finding.hint:
        show.paragraph(f"do: {finding.hint}", _INDENT)


def _ends(one: Located) -> str:
    """Return both end dates in brackets, as far as there are any."""
    finding = one.finding
    dates = [
        f"ends {finding.not_after.date()}" if finding.not_after else "",
        f"root programmes {finding.programme_end}" if finding.programme_end else "",
    ]
    words = ", ".join(filter(None, dates))
    return f" ({words})" if words else ""


def _document(report: Report, at: datetime, within: int) -> dict[str, Any]:
    return {
        "at": at.isoformat(),
        "within_days": within,
        "breaks": report.is_broken,
        "files": report.files,
        "bytes": report.size,
        "findings": [_finding(one) for one in report.findings],
        "problems": [
            {"file": _encodable(one.file), "member": one.member or None, "why": one.why}
            for one in report.problems
        ],
    }


def _finding(one: Located) -> dict[str, Any]:
    finding = one.finding
    return {
        "level": finding.level,
        "code": finding.code,
        "what": finding.what,
        "form": finding.form,
        "file": _encodable(one.file),
        "member": one.member or None,
        one.unit.value: one.at,
        "ready": {"yes": True, "no": False}.get(finding.ready),
        "not_after": finding.not_after.isoformat() if finding.not_after else None,
        "programme_end": finding.programme_end.isoformat() if finding.programme_end else None,
        "why": finding.why,
        "do": finding.hint or None,
    }


def _encodable(name: str) -> str:
    """Return a file's name with what is no UTF-8 replaced."""
    return os.fsencode(name).decode(errors="replace")
