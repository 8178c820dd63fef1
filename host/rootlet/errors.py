"""Every error that rootlet raises on purpose, grouped by who must act.

::

    RootletError            1   the operation failed
    +-- InputError          2   the command line or a file it names is wrong
    +-- TrustError          3   the answer is no: refused, does not fit, dangerous
    +-- BoardError          4   a board, a port or a tool that reaches one
    +-- NetworkError        5   a network peer or AWS

The number is the exit status of the command line (docs/cli exit codes). An error carries
what happened, why, and the next thing to type; the command line prints them on three lines.
Codes are those of ``urootlet.advice``, one table for device and host.
"""

from __future__ import annotations


class RootletError(Exception):
    """What went wrong, why, and what to do about it.

    ``what`` names the thing and fits a line; ``why`` is the cause; ``hint`` is the next command
    or step; ``code`` is a row of ``urootlet.advice``, without its ``E-``.
    """

    exit_status = 1

    def __init__(self, what: str, *, why: str = "", hint: str = "", code: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint
        self.code = code


class InputError(RootletError):
    """The command line, or a file that it names, is wrong."""

    exit_status = 2


class TrustError(RootletError):
    """The answer is no: refused, does not fit, ends too soon, dangerous."""

    exit_status = 3


class BoardError(RootletError):
    """A board, its port, or a program that reaches it."""

    exit_status = 4


class NetworkError(RootletError):
    """A peer on the network, or AWS."""

    exit_status = 5
