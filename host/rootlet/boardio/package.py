"""Which version of the device package a board has, and what to say when it is another one.

A board in the field may run the package of an older rootlet, or of a newer one. What such a
package has is used; what it lacks is explained. Nothing is remembered on the board of asking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet import __version__
from rootlet.errors import BoardError
from rootlet.words import plain

if TYPE_CHECKING:
    from rootlet.boardio.remote import Remote

#: What is read of a version: a board may print anything.
_LONGEST = 32


def version(board: Remote) -> str:
    """Return the version of the package on a board: "" for none, ``?`` for one without a name."""
    board.snippet("package")
    found = board.parse(board.run("_version()"), dict)["version"]
    return printable(found)


def prune(board: Remote, folder: str, names: list[str]) -> list[str]:
    """Remove modules other than ``names`` from a folder on the board; return their paths.

    Its ``version`` has been asked for before.
    """
    removed: list[str] = board.parse(board.run(f"_prune({folder!r}, {names!r})"), list)
    return removed


def printable(found: object) -> str:
    """Return a version that a board has told, as few characters that do no harm on a screen."""
    return plain(str(found))[:_LONGEST]


def unfit(board: Remote, why: str) -> BoardError:
    """Return the error of a board whose package cannot do what is asked of it."""
    found = version(board)
    what = (
        "the board lacks the device package"
        if not found
        else f"the board's device package {found} is damaged"
        if found == __version__
        else f"the board has device package {found}, this rootlet needs {__version__}"
    )
    return BoardError(
        f"{board.port}: {what}",
        why=why,
        hint=f"rootlet flash --port {board.port} BUNDLE.rlt",
        code="FORMAT",
    )
