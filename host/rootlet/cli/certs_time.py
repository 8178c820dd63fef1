"""``rootlet certs check`` and ``timeline``: when the anchors in use end."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import catalog, files
from rootlet.cli import show
from rootlet.cli.times import moment
from rootlet.errors import TrustError

if TYPE_CHECKING:
    from rootlet.ends import End
    from rootlet.timeline import Chart
    from rootlet.trust_set import TrustSet

_PLAIN_WIDTH = 120  # columns when nobody's terminal says


def _bundle_option(function: Any) -> Any:
    return click.option(
        "--bundle",
        "bundles",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A bundle, or CA certificates in PEM; may be repeated.",
    )(function)


def _at_option(function: Any) -> Any:
    words = "ISO 8601 or Unix seconds, UTC. Default: now."
    return click.option("--at", metavar="TIME", help=words)(function)


@click.command(
    epilog="\b\nExamples:\n  rootlet certs check --within 180\n"
    "  rootlet certs check --bundle pumps-2.rlt\n"
    "  0 6 * * 1  rootlet certs check --bundle /srv/pumps.rlt >/dev/null   # for cron\n\n"
    "Exit codes: 0 nothing ends, 2 bad input, 3 something ends within the days."
)
@_at_option
@click.option(
    "--within",
    default=90,
    show_default=True,
    metavar="DAYS",
    type=click.IntRange(0, 36_500),
    help="An end is soon when it is at most so far away.",
)
@_bundle_option
@show.json_option
def check(at: str | None, within: int, bundles: tuple[Path, ...], json_output: bool) -> None:
    """Tell whether an anchor in use ends soon, by either of its dates.

    In use are those of --bundle, else the five that AWS asks for. One date is the certificate's
    own; the other is when root programmes drop it and servers move to other roots.
    """
    from rootlet import ends  # noqa: PLC0415 - help must not load cryptography

    now = moment(at) if at else datetime.now(UTC)
    sets = _read(bundles)
    wanted = [one for one in catalog.load().anchors if one.role == "ats"]
    found = ends.of_sets(sets) if sets else ends.of_catalog(wanted)
    soon = ends.within(found, now, within)
    if json_output:
        document = {"at": now.isoformat(), "within": within, "ok": not soon}
        show.as_json(
            "certs-check/1", {**document, "ends": [_end(one, now, soon) for one in found]}
        )
    elif not soon:
        click.echo(f"nothing ends within {within} days; next: {found[0].words(now)}")
    else:
        click.echo("\n".join(one.words(now) for one in soon))
    if soon:
        raise TrustError(
            f"{len(soon)} of {len(found)} dates are within {within} days",
            why=soon[0].words(now),
            hint="build a bundle without it, or with another root: rootlet advise --help",
            code="EXPIRED" if soon[0].days_left(now) < 0 else "",
        )


@click.command(
    epilog="\b\nExamples:\n  rootlet certs timeline\n  rootlet certs timeline --bundle all.rlt\n"
    "  rootlet certs timeline --html roots.html --at 2030-01-01\n\n"
    "Exit codes: 0 done, 2 bad input."
)
@_at_option
@_bundle_option
@click.option("--svg", type=click.Path(path_type=Path), help="Write a picture.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with it and a table.")
@show.json_option
def timeline(
    at: str | None,
    bundles: tuple[Path, ...],
    svg: Path | None,
    html: Path | None,
    json_output: bool,
) -> None:
    """Draw all anchors with both of their ends, today, and what is in your bundles."""
    from rootlet import timeline as drawing  # noqa: PLC0415 - help must not load it
    from rootlet.timeline import html as page  # noqa: PLC0415
    from rootlet.timeline import svg as picture  # noqa: PLC0415
    from rootlet.timeline import text  # noqa: PLC0415

    chart = drawing.chart(moment(at) if at else datetime.now(UTC), _read(bundles))
    for file, draw in ((svg, picture.draw), (html, page.draw)):
        if file:
            files.write(file, draw(chart).encode())
    if json_output:
        show.as_json("timeline/1", _document(chart))
    elif svg or html:
        click.echo(f"wrote {' and '.join(str(one) for one in (svg, html) if one)}")
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PLAIN_WIDTH
        click.echo("\n".join(text.draw(chart, width, sys.stdout.encoding or "ascii")))


def _read(bundles: tuple[Path, ...]) -> list[TrustSet]:
    if not bundles:
        return []
    from rootlet import trust_set  # noqa: PLC0415 - it loads cryptography

    return [trust_set.read(files.read(one, trust_set.MAX_FILE), str(one)) for one in bundles]


def _end(one: End, now: datetime, soon: list[End]) -> dict[str, Any]:
    return {
        "name": one.name,
        "by": one.kind,
        "day": one.day.isoformat(),
        "inferred": one.inferred,
        "days_left": one.days_left(now),
        "soon": one in soon,
    }


def _document(chart: Chart) -> dict[str, Any]:
    return {
        "at": chart.at.isoformat(),
        "anchors": [
            {
                "name": bar.name,
                "group": bar.group,
                "not_before": bar.begin.isoformat(),
                "not_after": bar.end.isoformat(),
                "programme_end": bar.programme.isoformat() if bar.programme else None,
                "programme_inferred": bar.inferred,
                "bundles": list(bar.bundles),
            }
            for bar in chart.bars
        ],
        "bundles": [{"name": name, "not_after": day.isoformat()} for name, day in chart.ends],
    }
