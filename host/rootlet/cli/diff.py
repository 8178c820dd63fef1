"""``rootlet diff``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import board as boards
from rootlet import bundle, files
from rootlet.cli import complete, costs, show
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.budget import Line
    from rootlet.diff import Anchor, Change, Difference, Effect

_ANSWER = {"yes": "yes", "cross-sign": "maybe", "no": "no"}
_STOPS = 3


@click.command(
    epilog="""\b
Examples:
  rootlet diff pumps-6.rlt pumps-7.rlt
  rootlet diff pumps-6.rlt pumps-7.rlt --board esp32
  rootlet diff pumps-6.rlt pumps-7.rlt --exit-code --json

Exit codes: 0 compared, 2 bad input, 3 with --exit-code: something stops working. Also 3: a bundle
holds another key than the root that it names.
"""
)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--board",
    "board_id",
    shell_complete=complete.boards,
    help="A board's id, or your own TOML file: compare costs.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 3 when something stops working.")
@costs.sources_option
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    old: Path,
    new: Path,
    board_id: str | None,
    exit_code: bool,
    sources: bool,
    json_output: bool,
) -> None:
    """Compare two bundles.

    Says which anchors, numbers and costs change, and what a device can no longer verify, or can
    verify now, when NEW takes the place of OLD.
    """
    from rootlet.diff import compare  # noqa: PLC0415 - loads the reading of certificates

    board = boards.load(board_id) if board_id else None
    before, after = (
        bundle.decode(files.read(path, layout.MAX_SIZE), str(path)) for path in (old, new)
    )
    found = compare(before, after, board)
    if json_output:
        show.as_json("diff/1", {**_document(found), "old": str(old), "new": str(new)})
    else:
        _report(found, same=before.data == after.data, sources=sources)
    if exit_code and found.stops:
        sys.exit(_STOPS)


def _report(found: Difference, *, same: bool, sources: bool) -> None:
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    show.table("Bundle", ("what", "old", "new"), found.header)
    show.table(
        "Anchors",
        ("anchor", "key", "change", "old", "new", "note"),
        [_change(one) for one in found.changes],
    )
    if found.costs:
        _show_costs(found.costs, sources=sources)
    _show_effects("Stops working", found.stops)
    _show_effects("Starts working", found.starts)
    if same:
        click.echo("the bundles are the same, byte for byte")
    else:
        click.echo(f"stops working: {len(found.stops)}, starts working: {len(found.starts)}")


def _change(one: Change) -> Sequence[str]:
    old, new = (str(side.size) if side else "-" for side in (one.old, one.new))
    return one.anchor.label, one.anchor.certificate.key, one.state, old, new, one.note


def _show_costs(pairs: Sequence[tuple[Line, Line]], *, sources: bool) -> None:
    costs.table(
        "Costs",
        ("what", "old", "new", "board has"),
        [
            (
                (new.what, old.shown, new.shown, costs.number(new.has)),
                (*old.sources, *new.sources),
            )
            for old, new in pairs
        ],
        sources=sources,
    )


def _show_effects(title: str, effects: Sequence[Effect]) -> None:
    if effects:
        show.table(
            title,
            ("what", "old", "new", "because"),
            [(one.what, _ANSWER[one.old], _ANSWER[one.new], one.because) for one in effects],
        )


def _document(found: Difference) -> dict[str, Any]:
    return {
        "bundle": [{"what": what, "old": old, "new": new} for what, old, new in found.header],
        "anchors": [
            {
                "name": one.anchor.label,
                "change": one.state,
                "key": one.anchor.certificate.key,
                "sha256": one.anchor.original,
                "spki_sha256": one.anchor.certificate.spki_sha256,
                "old": _anchor(one.old),
                "new": _anchor(one.new),
                "note": one.note or None,
            }
            for one in found.changes
        ],
        "stops": [_effect(one) for one in found.stops],
        "starts": [_effect(one) for one in found.starts],
        "costs": [
            {"old": costs.document(old), "new": costs.document(new)} for old, new in found.costs
        ],
        "warnings": found.warnings,
    }


def _anchor(one: Anchor | None) -> dict[str, Any] | None:
    return None if one is None else {"bytes": one.size, "form": one.form}


def _effect(one: Effect) -> dict[str, str]:
    return {"what": one.what, "old": one.old, "new": one.new, "because": one.because}
