"""Power-on: hide the host, mount the flash, then boot as an ESP32 does.

Arguments: flash image, ROM image, clock file, unique id as hex, REPL mode (``raw`` or
``friendly``), power cut (``OPERATION:BYTES``, or ``0:0`` for none), terminal. What the board must
not see is replaced in ``sys.modules`` before any of its code runs; the files it needs are opened
before the host's file system is unmounted.
"""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors

import sys

import board_flash
import board_micropython
import board_os
import board_repl
import board_terminal
import board_vfs
import machine
import vfs

flash_path, rom_path, clock_path, unique_id, mode, cut, terminal_path = sys.argv[1:]
terminal = board_terminal.Terminal(terminal_path)
machine.connect(clock_path, unique_id)
flash = board_flash.Flash(flash_path)
flash.lose_power(*(int(number) for number in cut.split(":")), machine.lose_power)
rom = board_flash.Flash(rom_path, writable=False)
vfs.umount("/")
try:
    vfs.mount(vfs.VfsLfs2(flash), "/")
except OSError:
    sys.exit(board_terminal.EXIT_NO_FILE_SYSTEM)
vfs.mount(vfs.VfsLfs2(rom), "/rom", readonly=True)

board_micropython.connect(terminal)
sys.path[:] = ["", ".frozen", "/rom", "/lib"]  # asyncio is frozen, as on a chip
sys.argv[:] = []
for name in list(sys.modules):
    if name.startswith("board_"):
        del sys.modules[name]
sys.modules["machine"] = machine
sys.modules["micropython"] = board_micropython
sys.modules["os"] = board_os
sys.modules["uos"] = board_os
sys.modules["vfs"] = board_vfs
sys.modules["ffi"] = board_vfs.NOTHING

board = board_repl.Repl(terminal, globals(), raw=mode == "raw")
for name in list(globals()):
    if name not in ("__name__", "board"):
        del globals()[name]
del globals()["name"]
globals().pop("board").run()
