"""The board's ``vfs`` module: the interpreter's own without the host's files."""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors

from vfs import *  # noqa: F403 - every name of it, whatever the version has

globals().pop("VfsPosix", None)


class _Nothing:
    """Stands in ``sys.modules`` for a module that boards do not have."""


NOTHING = _Nothing()
