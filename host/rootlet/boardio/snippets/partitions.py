# Runs on the board: the partitions of its flash as it sees them, as JSON; null on other chips.
# Those that the firmware makes at boot are among them.
import json

try:
    from esp32 import Partition

    _kinds = (Partition.TYPE_APP, Partition.TYPE_DATA)
    _found = [one.info() for kind in _kinds for one in Partition.find(kind)]
    _found = [[one[4], one[0], one[1], one[2], one[3]] for one in _found]
except ImportError:
    _found = None
print(json.dumps({"partitions": _found}))
