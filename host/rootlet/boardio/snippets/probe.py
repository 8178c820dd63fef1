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
_romfs = 0
try:
    # 1: how many ROMFS partitions; 2: one of them, a block device or a view of its bytes
    # (micropython/micropython v1.25.0: extmod/vfs_rom_ioctl.h).
    if vfs.rom_ioctl(1) > 0:
        _rom = vfs.rom_ioctl(2, 0)
        _romfs = _rom.ioctl(4, 0) * _rom.ioctl(5, 0) if hasattr(_rom, "ioctl") else len(_rom)
except (NameError, AttributeError, OSError, TypeError):
    pass
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
            "romfs": _romfs,
        }
    )
)
