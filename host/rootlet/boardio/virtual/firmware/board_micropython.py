"""The board's ``micropython`` module: the interpreter's own, with the board's Ctrl-C."""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors

from micropython import *  # noqa: F403 - every name of it, whatever the version has

_terminal = None


def connect(terminal):
    """Give the module the line on which Ctrl-C arrives."""
    global _terminal  # noqa: PLW0603 - a module has no other place
    _terminal = terminal


def kbd_intr(character):
    """Choose the character that interrupts: 3 is Ctrl-C, -1 is none."""
    _terminal.interruptible(character == 3)
