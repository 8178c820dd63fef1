"""The one exception of this package, and what every module needs of the two interpreters."""

import sys

#: True on MicroPython, where the TLS module is ``tls`` and the client is ``umqtt.simple``.
MICROPYTHON = sys.implementation.name == "micropython"

if not MICROPYTHON:

    def const(value: "T") -> "T":
        """Return ``value``; mpy-cross folds it into the bytecode and drops the name if private."""
        return value

else:
    from micropython import const  # type: ignore[no-redef]


#: Imports for type checkers only: mpy-cross leaves the block out, CPython skips it.
_TYPING = const(0)
if _TYPING:
    from typing import NoReturn, TypeVar

    T = TypeVar("T")


class Error(Exception):
    """A refusal or a fault, with a short code such as ``ROOT``: a row of ``urootlet.advice``.

    ``detail`` names the thing in a few words. ``str()`` gives ``E-ROOT: detail``; ``advice`` is
    one sentence on what to do, loaded only when somebody asks for it.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__("E-" + code + ": " + detail)
        self.code = code
        self.detail = detail

    @property
    def advice(self) -> str:
        """One sentence on what to do."""
        from .advice import ADVICE

        return ADVICE[self.code]


def refuse(pos: int, word: str) -> "NoReturn":
    """Raise FORMAT for what stands at byte ``pos``; ``rootlet.words`` has a sentence per word."""
    raise Error("FORMAT", "byte %d: %s" % (pos, word))
