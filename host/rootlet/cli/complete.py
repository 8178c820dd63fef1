"""What a shell offers for an option's value when Tab is pressed; loaded modules stay few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click


def boards(_ctx: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    """Return the ids of boards."""
    from rootlet import board  # noqa: PLC0415 - only when Tab is pressed

    return _starting(board.ids(), typed)


def anchors(_ctx: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    """Return the ids of catalogued anchors."""
    from rootlet import catalog  # noqa: PLC0415 - only when Tab is pressed

    return _starting((one.id for one in catalog.load().anchors), typed)


def scenarios(_ctx: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    """Return the names of the lab's scenarios."""
    from rootlet.lab import scenarios as known  # noqa: PLC0415 - only when Tab is pressed

    return _starting((one.name for one in known.all()), typed)


def _starting(names: Iterable[str], typed: str) -> list[str]:
    return [one for one in names if one.startswith(typed)]
