"""The board's ``os`` module: the interpreter's own without what reaches the host."""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors

from os import *  # noqa: F403 - every name of it, whatever the version has

for _name in ("VfsPosix", "getenv", "putenv", "system", "unsetenv"):
    globals().pop(_name, None)

del _name
