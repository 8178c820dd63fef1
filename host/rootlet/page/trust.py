"""What the page says of a bundle: its anchors, their ends, what they accept, what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet import diff, path
from rootlet.page import html
from rootlet.timeline import svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.budget import Line
    from rootlet.page import Report
    from rootlet.timeline import Chart

_COVERED = {"yes": ("yes", "yes"), "cross-sign": ("partly", "maybe"), "no": ("no", "no")}
_WORDS = {"yes": "yes", "partly": "only ", "no": "no: "}


def bundle(report: Report) -> list[str]:
    """Return what the bundle says of itself and its anchors; where there is none, why."""
    if report.side is None:
        return [html.paragraph(report.missing, "warning")]
    ends = {bar.name: bar.programme_words for bar in report.chart.bars}
    rows = [
        (
            one.label,
            one.certificate.key,
            one.form,
            f"{one.size:,}",
            str(one.certificate.not_after.date()),
            ends.get(one.id, "-"),
        )
        for one in report.side.anchors
    ]
    columns = ("anchor", "key", "form", "bytes", "certificate ends", "programmes drop it")
    return [
        html.facts(diff.facts(report.side.found)),
        html.table("Anchors", columns, rows),
        html.table("Chains of Amazon Trust Services", ("chain", "covered"), _covered(report)),
    ]


def _covered(report: Report) -> list[tuple[str, str]]:
    assert report.side is not None  # noqa: S101 - the caller has looked
    found: list[tuple[str, str]] = []
    for one in report.side.answers:
        sign, word = _COVERED[one.covered]
        found.append((one.chain.name, html.answer(sign, f"{word}: {one.because}")))
    return found


def timeline(chart: Chart) -> list[str]:
    """Return the picture, and the same dates as a table for whoever reads."""
    rows = [
        (
            bar.name,
            str(bar.begin.date()),
            bar.programme_words,
            str(bar.end.date()),
            "yes" if bar.bundles else "-",
        )
        for bar in chart.bars
    ]
    columns = ("anchor", "begins", "programmes drop it", "certificate ends", "in the bundle")
    return [f"<figure>{svg.draw(chart)}</figure>", html.table("The same dates", columns, rows)]


def services(report: Report) -> list[str]:
    """Return who accepts what: a row for each service and chain, a column for each verifier."""
    if not report.served:
        return []
    rows = [
        (
            f"{row.service}: {row.chain}",
            *(
                html.answer(one.accepted, _WORDS[one.accepted] + one.because)
                for one in row.answers.values()
            ),
        )
        for row in report.served
    ]
    own = report.board.tls.stack.value if report.board else ""
    names = [
        f"{model.name}, as this board has it" if name == own else model.name
        for name, model in path.MODELS.items()
    ]
    text = (
        "Models of TLS stacks, asked about the chains on record, sent with and without "
        "cross-signs. They cannot see what a server will send tomorrow."
    )
    return [html.paragraph(text), html.table("Verifiers", ("chain", *names), rows)]


def costs(report: Report) -> list[str]:
    """Return the bytes of flash and heap beside what the board has."""
    if report.side is None:
        return []
    if report.board is None:
        return [html.paragraph("Which board it is on is not known: name it with --board.")]
    numbers = {one: str(n) for n, one in enumerate(_sources(report.costs), 1)}
    rows = [
        (
            line.what,
            _bar(line),
            "unknown" if line.has is None else f"{line.has:,}",
            ", ".join(numbers[one] for one in line.sources),
        )
        for line in report.costs
    ]
    columns = ("what", "needs, bytes", "board has, bytes", "source")
    return [
        html.table(f"On {report.board.name} ({report.board.id})", columns, rows),
        html.numbered("Sources of the figures", numbers),
    ]


def _sources(lines: Sequence[Line]) -> dict[str, None]:
    return dict.fromkeys(one for line in lines for one in line.sources)


def _bar(line: Line) -> str:
    needs = line.at_least if line.needs is None else line.needs
    if not line.has:
        return line.shown
    return html.bar(f"{line.shown} ({needs / line.has:.1%})", needs / line.has)
