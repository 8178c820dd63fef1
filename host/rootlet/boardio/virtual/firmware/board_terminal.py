"""The board's serial line: the pty on which the interpreter runs, and its three modes.

The kernel's line discipline does what a board's UART interrupt does, in the order in which the
program runs: while a program runs, Ctrl-C becomes SIGINT (a KeyboardInterrupt in MicroPython);
at a prompt it is a byte. At the friendly prompt a newline becomes CR LF for the terminal.
"""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors
# ruff: noqa: I001, PTH123

import sys

import termios

#: Exit statuses that tell the supervisor how to go on.
EXIT_SOFT_RESET = 40
EXIT_SOFT_RESET_RAW = 41
EXIT_RESET = 42
EXIT_NO_FILE_SYSTEM = 43

#: The first byte that is sent: the board is up and Ctrl-C works. The supervisor swallows it.
READY = b"\0"

# Linux, asm-generic/termbits.h
_OPOST, _ONLCR = 1, 4
_ISIG = 1
_OUTPUT_FLAGS, _LOCAL_FLAGS = 1, 3


class Terminal:
    """Reads and writes the serial line; knows whether Ctrl-C interrupts now."""

    def __init__(self, path):
        # A session leader that opens a terminal gets it as its controlling terminal: the
        # kernel then delivers Ctrl-C, and SIGHUP when the supervisor dies.
        open(path).close()
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._byte = bytearray(1)
        self._attributes = termios.tcgetattr(0)
        self._friendly = True
        self._wanted = True
        self._running = False

    def read(self):
        """Wait for one byte and return it as an int; leave when the line is gone."""
        if not self._in.readinto(self._byte):
            sys.exit(0)
        return self._byte[0]

    def write(self, data):
        """Send bytes or a str."""
        self._out.write(data)

    def friendly(self, yes):
        """Turn newline conversion for people on or off."""
        self._friendly = yes
        self._apply()

    def running(self, yes):
        """Say that a program runs (Ctrl-C interrupts it) or that the prompt reads."""
        self._running = yes
        self._apply()

    def interruptible(self, yes):
        """Let Ctrl-C interrupt programs, or be a byte like any other (``kbd_intr``)."""
        self._wanted = yes
        self._apply()

    def _apply(self):
        attributes = self._attributes
        attributes[_LOCAL_FLAGS] &= ~_ISIG
        if self._running and self._wanted:
            attributes[_LOCAL_FLAGS] |= _ISIG
        # A program that turns Ctrl-C off speaks a binary protocol: no conversion then.
        attributes[_OUTPUT_FLAGS] &= ~(_OPOST | _ONLCR)
        if self._friendly and self._wanted:
            attributes[_OUTPUT_FLAGS] |= _OPOST | _ONLCR
        termios.tcsetattr(0, termios.TCSANOW, attributes)
