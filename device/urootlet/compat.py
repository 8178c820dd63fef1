"""The two names that differ between MicroPython and CPython everywhere else in the package."""

import sys

#: True on MicroPython, where the TLS module is ``tls`` and the client is ``umqtt.simple``.
MICROPYTHON = sys.implementation.name == "micropython"

TYPE_CHECKING = False
if TYPE_CHECKING:

    def const(value: int) -> int:
        """Fold ``value`` into the bytecode."""
        return value

elif MICROPYTHON:
    from micropython import const
else:

    def const(value):
        """CPython has nothing to fold."""
        return value
