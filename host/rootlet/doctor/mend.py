"""Mending files: PEM becomes DER on the board, and what is missing or wrong is flashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet import flash, identity
from rootlet.doctor import files as held
from rootlet.doctor.kit import settings_of
from rootlet.errors import InputError, RootletError
from urootlet.format_cpython import BUNDLE_FILE as BUNDLE
from urootlet.format_cpython import CERTIFICATE_FILE as CERTIFICATE
from urootlet.format_cpython import KEY_FILE as KEY

if TYPE_CHECKING:
    from rootlet.doctor.board import Board

#: What writing files can cure.
_CURABLE = ("FORMAT", "NOROOTS", "CLIENTCERT")


def files(board: Board) -> str:
    """Look at the files; when that is asked for, mend them first and look again."""
    if "files" not in board.request.fix:
        return held.look(board)
    done = _convert(board)
    if not _is_well(board):
        done += _flash(board)
    return "; ".join([held.look(board), *done])


def _is_well(board: Board) -> bool:
    try:
        held.look(board)
        if board.request.cert:
            held.pair(board)
    except RootletError as error:
        if error.code not in _CURABLE:
            raise
        return False
    return True


def _convert(board: Board) -> list[str]:
    done = []
    for name in (CERTIFICATE, KEY):
        before = board.ask("kind", name)
        if before.startswith("PEM"):
            done.append(f"{name} was {before}, now {board.ask('convert', name)} (DER)")
    return done


def _flash(board: Board) -> list[str]:
    """Write what is missing or wrong, through the same code as ``rootlet flash``."""
    bundle = board.request.bundle or board.read(BUNDLE) or b""
    if not bundle:
        raise board.kit.fail("NOROOTS", f"{BUNDLE} is missing", "name the bundle: --bundle FILE")
    contents = flash.contents(bundle, *_identity(board))
    board.release()
    try:
        report = flash.flash(board.request.port, contents, lambda *_: None)
    finally:
        board.take_again()
    return [f"wrote {', '.join(report.written) or 'nothing'}"]


def _identity(board: Board) -> tuple[identity.Settings | None, bytes, bytes]:
    """Return the identity to write, or none when it is not given."""
    request = board.request
    if not (request.cert and request.key):
        return None, b"", b""
    try:
        values = held.settings(board)
    except RootletError:  # there is nothing to keep
        values = settings_of({}, endpoint=request.endpoint, thing=request.thing)
    if not (values.get("endpoint") and values.get("thing")):
        raise InputError(
            "the identity is not complete",
            why="the board's settings do not say endpoint and thing",
            hint="give --endpoint and --thing too",
        )
    cert = identity.read_certificate(request.cert, "--cert")
    key = identity.read_key(request.key, "--key", cert)
    values["recovery"] = tuple(values.get("recovery", ()))
    known = {name: values[name] for name in identity.Settings.__annotations__ if name in values}
    return identity.Settings(**known), cert, key
