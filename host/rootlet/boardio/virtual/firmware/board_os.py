"""The board's ``os`` module: the interpreter's own without what reaches the host."""

from os import *  # noqa: F403 - every name of it, whatever the version has

for _name in ("VfsPosix", "getenv", "putenv", "system", "unsetenv"):
    globals().pop(_name, None)
