"""The look of the report's page: light and dark, on paper, and on a narrow screen.

Every pair of text and ground has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3), which
``tests/unit/test_page.py`` works out from ``LIGHT`` and ``DARK``.
"""

from __future__ import annotations

LIGHT = {
    "page": "#ffffff",
    "panel": "#f4f6f8",
    "ink": "#1c2430",
    "dim": "#55606e",
    "line": "#d5dae1",
    "link": "#0b5c82",
    "yes": "#0f6b2f",
    "partly": "#7a4d00",
    "no": "#b3261e",
    "bar": "#0b6e99",
}
DARK = {
    "page": "#14181d",
    "panel": "#1d232b",
    "ink": "#e8ecf1",
    "dim": "#a3adba",
    "line": "#39424e",
    "link": "#6cc4ea",
    "yes": "#6cd28a",
    "partly": "#f0b860",
    "no": "#ff9a92",
    "bar": "#4db6e2",
}
#: What text is written in, on ``page`` and on ``panel``.
INKS = ("ink", "dim", "link", "yes", "partly", "no")

_RULES = """\
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 24px 16px 48px; background: var(--page);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 40px 0 8px; padding-bottom: 4px;
  border-bottom: 1px solid var(--line); }
p { margin: 8px 0; max-width: 75ch; }
.dim { color: var(--dim); }
.warning { border-left: 4px solid var(--partly); padding-left: 12px; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: static; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 0;
  margin: 16px 0 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 12px 20px;
  background: var(--panel); border-radius: 8px; padding: 16px; margin: 16px 0; }
dt { color: var(--dim); font-size: .85rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 16px 0; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--dim); padding-bottom: 6px; }
th, td { text-align: left; vertical-align: top; padding: 6px 20px 6px 0;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
thead th { color: var(--dim); font-size: .85rem; font-weight: 600; }
tbody th { font-weight: 600; }
.yes { color: var(--yes); } .partly { color: var(--partly); } .no { color: var(--no); }
.bar { display: block; width: 140px; height: 10px; margin: 6px 0 2px; border-radius: 3px; }
.bar .track { fill: var(--line); } .bar .within { fill: var(--bar); }
.bar .over { fill: var(--no); }
figure { margin: 16px 0; overflow-x: auto; }
figure svg { max-width: 100%; min-width: 640px; height: auto; }
ol { font-size: .85rem; max-width: 100ch; padding-left: 24px; }
@media screen and (max-width: 720px) { table { min-width: 680px; } dl { padding: 12px; } }
footer { margin-top: 48px; color: var(--dim); font-size: .85rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip { display: none; }
  .scroll, figure { overflow: visible; }
  figure svg { min-width: 0; }
  h2 { break-after: avoid; } tr, figure, dl { break-inside: avoid; }
  thead { display: table-header-group; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}"""


def sheet() -> str:
    """Return the style sheet; paper takes the light colours."""
    return (
        f":root {{ color-scheme: light dark; {_values(LIGHT)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_values(DARK)} }} }}\n"
        f"{_RULES}"
    )


def _values(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
