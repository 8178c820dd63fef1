"""One whole rotation with only so much heap left as a board with ``heap`` bytes would have.

Arguments: folder of materials, bytes of heap. First everything that no board holds in its heap is
there: the storage, the world, this file. Then the heap is filled until ``heap`` bytes less the
package's own and an application's 16 KB are free; the rotation must end on the new bundle.
"""

import gc
import sys

_APPLICATION = 16 * 1024
folder, heap = sys.argv[1:]


def used():
    gc.collect()
    return gc.mem_alloc()


start = used()
for name in ("session", "rotation", "recovery"):
    __import__("urootlet." + name)
package = used() - start

import cases
import ram_flash
import sweep

device = ram_flash.Device()
files = sweep.load(folder)
kept = {name: files[name] for name in ("factory", "old", "new", "keys-1", "leaf")}
del files
case = cases.Case(kept)
case.factory = (b"", kept["keys-1"])
device.chip.log = device.chip.data = None
once = sweep.Sweep(device, case)
case.aged = 0
once.prepare()
world = once.world_at(once.base, [], once.world.ledger)
once.base = None

free = int(heap) - package - _APPLICATION
ballast = None
for _ in range(4):
    gc.collect()
    while gc.mem_free() > free + 4096:
        ballast = [ballast, bytearray(4096)]
gc.collect()
print("package", package, "free", gc.mem_free())
world.boot()
print("new" if world.served == cases.digest_of(kept["new"]) else "old")
