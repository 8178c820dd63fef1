"""Secrets that a person gives: asked for on a terminal, or out of a file or variable.

Never an argument: those are in the shell's history and in every list of processes.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import click

from rootlet import files
from rootlet.errors import InputError
from rootlet.identity import Wifi

if TYPE_CHECKING:
    from pathlib import Path

WIFI_VARIABLE = "ROOTLET_WIFI_PASSWORD"
_MAX_PASSWORD = 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def ask(what: str) -> str:
    """Ask for a secret, without showing it. Raises InputError when there is nothing to read."""
    try:
        answer: str = click.prompt(what, hide_input=True, err=True)
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise _nobody(what, "standard input has ended") from None
        raise
    return answer


def ask_on_terminal(what: str) -> str:
    """Ask for a secret, without showing it. Raises InputError when nobody is there to answer."""
    if not sys.stdin.isatty():
        raise _nobody(what, "standard input is not a terminal")
    return ask(what)


def _nobody(what: str, why: str) -> InputError:
    return InputError(f"{what}: nobody is there to ask", why=why, hint="run it in a terminal")


def wifi(ssid: str | None, password_file: Path | None, *, is_open: bool) -> Wifi | None:
    """Return the Wi-Fi network that the options name, checked; None when they name none.

    The password comes from ``password_file``, else from ROOTLET_WIFI_PASSWORD, else from the
    terminal. Raises InputError, in which the password never is.
    """
    if ssid is None:
        if password_file or is_open:
            raise InputError("a Wi-Fi network needs its name", hint="add --wifi SSID")
        return None
    if password_file and is_open:
        raise InputError("an open network has no password", hint="leave one of both out")
    found = Wifi(ssid, "" if is_open else _password(ssid, password_file))
    if not (found.password or is_open):
        raise InputError(
            "the Wi-Fi password is empty",
            why="anybody can read and join a network without one",
            hint="say --wifi-open if that is what you mean",
        )
    found.encode()
    return found


def _password(ssid: str, path: Path | None) -> str:
    if path is not None:
        _check_private(path)
        data = files.read(path, _MAX_PASSWORD)
        try:
            return data.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise InputError(f"{path}: not UTF-8 text", hint="save it again") from None
    if WIFI_VARIABLE in os.environ:
        return os.environ[WIFI_VARIABLE]
    if not sys.stdin.isatty():
        raise InputError(
            "the Wi-Fi password is missing",
            why="standard input is not a terminal, so nobody can be asked",
            hint=f"--wifi-password-file FILE, or set {WIFI_VARIABLE}",
        )
    return ask(f"Password of the Wi-Fi network {ssid!r}")


def _check_private(path: Path) -> None:
    """Refuse a file that others may read; a pipe has no others."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # reading it says why
    if stat.S_ISREG(mode) and mode & _OTHERS:
        raise InputError(
            f"{path}: others may read this password",
            why=f"its mode is {stat.S_IMODE(mode):04o}",
            hint=f"chmod 600 {path}",
        )
