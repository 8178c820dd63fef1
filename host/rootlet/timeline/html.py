"""The chart as one HTML page: the picture, and the same dates as a table for whoever reads."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rootlet.timeline import svg

if TYPE_CHECKING:
    from rootlet.timeline import Bar, Chart

_STYLE = """\
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; margin: 24px auto;
  max-width: 1080px; padding: 0 16px; color: #1c2430; background: #ffffff; }
svg { max-width: 100%; height: auto; }
caption { text-align: left; }
table { border-collapse: collapse; margin-top: 24px; }
th, td { text-align: left; padding: 4px 18px 4px 0; border-bottom: 1px solid #d5dae1; }
@media (prefers-color-scheme: dark) { body { color: #e8ecf1; background: #14181d; }
  th, td { border-color: #39424e; } }"""
_COLUMNS = ("anchor", "begins", "programmes drop it", "its certificate ends", "in bundle")


def draw(chart: Chart) -> str:
    """Return the page."""
    head = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    ends = "".join(f"<p>{escape(name)} is to be replaced by {day.date()}.</p>\n"
                   for name, day in chart.ends)  # fmt: skip
    rows = "\n".join(map(_row, chart.bars))
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{svg.title(chart)}</title>
<style>
{_STYLE}
</style>
</head>
<body>
{svg.draw(chart)}{ends}<table>
<caption>Dates marked with ~ are inferred.</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def _row(bar: Bar) -> str:
    cells = (bar.begin.date(), bar.programme_words, bar.end.date(), ", ".join(bar.bundles) or "-")
    drawn = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(bar.name)}</th>{drawn}</tr>'
