"""Codes that only a host reports: the rest of the table of ``urootlet.advice``."""

HOST = {
    "REPL": "The board does not answer at its prompt: stop its program or reset it.",
    "PORTBUSY": "The port is missing, denied or in use: plug the board in, join the group "
    "dialout, or close the program that has the port.",
    "BOOT": "The chip runs no firmware: release BOOT and press EN, check the cable, or flash "
    "MicroPython.",
    "FIRMWARE": "The firmware cannot do what is needed: install MicroPython 1.24 or newer.",
}
