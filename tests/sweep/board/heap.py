"""Print the heap in use before and after a board imports all that connecting and rotating takes."""

import gc
import sys

gc.collect()
before = gc.mem_alloc()
for name in sys.argv[1:]:
    __import__("urootlet." + name)
gc.collect()
print(gc.mem_alloc() - before)
