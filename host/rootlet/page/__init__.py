"""A report as one page of HTML: no script, nothing that is loaded, light and dark, and on paper.

``Report`` is what is known; ``draw`` writes it down. Names come out of other people's files and
from boards: everything is escaped, and the page forbids itself to load or run anything
(Content-Security-Policy), so that a mistake here could do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from rootlet.page import html, rotation, style, trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from rootlet.board import Board
    from rootlet.budget import Line
    from rootlet.diff import Side
    from rootlet.jobs import Name
    from rootlet.progress import Execution, Progress
    from rootlet.served import Served
    from rootlet.timeline import Chart

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Report:
    """What a bundle, a board or a fleet has for trust, at a time.

    ``name`` is the file, port or fleet. ``costs`` are those on ``board``, none without one.
    ``status`` is what a board says of its rotation (docs/rotation.md), ``history`` what jobs have
    come to on its thing, newest first, and ``rollout`` the jobs of a fleet.
    Without a bundle ``side`` is None, and ``missing`` says why.
    """

    name: str
    at: datetime
    chart: Chart
    side: Side | None = None
    served: Sequence[Served] = ()
    board: Board | None = None
    costs: Sequence[Line] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[tuple[Name, Execution]] = ()
    rollout: Sequence[Progress] = ()
    missing: str = ""


def draw(report: Report) -> str:
    """Return the page."""
    sections = dict(_sections(report))
    links = "".join(
        f'<li><a href="#{name}">{escape(heading)}</a></li>' for name, heading in sections
    )
    body = "\n".join(sections.values())
    title = f"Trust of {report.name}"
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{style.sheet()}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1>{escape(title)}</h1>
{html.paragraph(f"As of {report.at:%Y-%m-%d %H:%M} UTC.", "dim")}
<nav aria-label="Contents"><ul>{links}</ul></nav>
</header>
<main id="main">
{body}
</main>
<footer>Made by rootlet report. ~ before a date: inferred, not announced.</footer>
</body>
</html>
"""


def _sections(report: Report) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the anchor and heading of each section that there is something for, and its HTML."""
    for name, heading, parts in (
        ("bundle", "What it trusts", trust.bundle(report)),
        ("rotation", "Rotation on the board", rotation.board(report)),
        ("rollout", "Roll-out to the fleet", rotation.fleet(report)),
        ("timeline", "When the roots end", trust.timeline(report.chart)),
        ("services", "What it accepts, by service and verifier", trust.services(report)),
        ("budget", "What it costs on the board", trust.costs(report)),
    ):
        if parts:
            yield (name, heading), html.section(name, heading, *parts)
