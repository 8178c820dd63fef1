"""The few elements that the report's page is made of. Every text that comes in is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def section(name: str, heading: str, *parts: str) -> str:
    """Return a region of the page with its heading; ``name`` is its anchor."""
    inner = "\n".join(part for part in parts if part)
    return (
        f'<section id="{name}" aria-labelledby="{name}-heading">\n'
        f'<h2 id="{name}-heading">{escape(heading)}</h2>\n{inner}\n</section>'
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def facts(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Return a list of names and values."""
    rows = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in dict(values).items()
    )
    return f"<dl>\n{rows}\n</dl>"


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first cell of a row names it. Cells are text, or made by ``answer``."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in columns)
    body = "\n".join(_row(row) for row in rows)
    # On a narrow screen the table is scrolled alone; with the keyboard too, so it takes focus.
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


class Marked(str):
    """HTML that is escaped already."""

    __slots__ = ()


def numbered(label: str, lines: Iterable[str]) -> str:
    """Return a list, numbered from 1."""
    items = "\n".join(f"<li>{escape(one)}</li>" for one in lines)
    return f'<ol class="dim" aria-label="{escape(label)}">\n{items}\n</ol>'


def answer(accepted: str, words: str) -> Marked:
    """Return a cell with ``yes``, ``partly`` or ``no``: a sign, a colour and words."""
    sign = {"yes": "✓", "partly": "◐", "no": "✗"}[accepted]
    hidden = f'<span aria-hidden="true">{sign} </span>'
    return Marked(f'<span class="{accepted}">{hidden}{escape(words)}</span>')


def bar(words: str, part: float) -> Marked:
    """Return a cell with a bar that is ``part`` full, and ``words`` beside it.

    Over 1 is drawn full. The words say all that the bar says.
    """
    full = 100 * min(max(part, 0.0), 1.0)
    kind = "over" if part > 1 else "within"
    return Marked(
        f'<svg class="bar" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none">'
        f'<rect class="track" width="100" height="10"/>'
        f'<rect class="{kind}" width="{full:.1f}" height="10"/></svg>{escape(words)}'
    )


def _row(cells: Sequence[str]) -> str:
    first, *rest = (one if isinstance(one, Marked) else escape(one) for one in cells)
    inner = "".join(f"<td>{one}</td>" for one in rest)
    return f'<tr><th scope="row">{first}</th>{inner}</tr>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
