# Runs on the board: print one JSON object that says what it is and what room it has.
import binascii
import gc
import json
import os
import sys

try:
    import machine

    _uid = binascii.hexlify(machine.unique_id()).decode()
except (ImportError, AttributeError):
    _uid = ""
try:
    import vfs

    _fs = [type(mounted).__name__ for mounted, path in vfs.mount() if path == "/"]
except (ImportError, TypeError, ValueError):
    _fs = []
try:
    import umqtt.simple

    _umqtt = True
except ImportError:
    _umqtt = False
_free = os.statvfs("/")
gc.collect()
print(
    json.dumps(
        {
            "platform": sys.platform,
            "version": list(sys.implementation.version[:3]),
            "mpy": getattr(sys.implementation, "_mpy", 0),
            "machine": getattr(sys.implementation, "_machine", ""),
            "unique_id": _uid,
            "umqtt": _umqtt,
            "fs": _fs[0] if _fs else "",
            "block": _free[0],
            "free_blocks": _free[3],
            "heap_free": gc.mem_free(),
        }
    )
)
