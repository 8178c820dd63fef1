# Runs on the board: what it has of the device package, and what is in its folder beside it.
import json
import os
import sys


def _version():
    found = ""
    try:
        import urootlet

        found = "?"
        from urootlet.release import VERSION as found
    except (ImportError, ValueError, AttributeError) as error:
        # ValueError: bytecode that this firmware does not load.
        if not isinstance(error, ImportError):
            found = "?"
    # Forgotten again: a newer one may be written in a moment.
    for name in list(sys.modules):
        if name.startswith("urootlet"):
            del sys.modules[name]
    print(json.dumps({"version": found}))


def _prune(folder, names):
    # MicroPython takes x.py before x.mpy (py/builtinimport.c), so what mip or an older version
    # has left behind would run in place of what was flashed.
    removed = []
    try:
        held = os.listdir(folder)
    except OSError:
        held = []
    for name in held:
        if name not in names and (name.endswith(".py") or name.endswith(".mpy")):
            os.remove(folder + "/" + name)
            removed.append(folder + "/" + name)
    print(json.dumps(removed))
