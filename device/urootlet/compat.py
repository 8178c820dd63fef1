"""The two names that differ between MicroPython and CPython everywhere else in the package."""

from .errors import MICROPYTHON, const

__all__ = ["MICROPYTHON", "const"]
