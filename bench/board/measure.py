"""What a board does for the benches: MODE, COUNT, FOLDER, FILE and the PROBE's path. Prints numbers.

Bytes of Python's heap are gc's; bytes of the TLS library and marks for callgrind are the probe's
(board/probe.c).
"""

import gc
import sys

from need import CONNECT, WORK, folder, load, names, path, read

mode, count = sys.argv[1], int(sys.argv[2])


class Probe:
    """The functions of the probe that was preloaded, or only opened."""

    def __init__(self):
        import ffi

        library = ffi.open(sys.argv[5])
        self.toggle = library.func("v", "work_toggle", "")
        self.start = library.func("v", "heap_start", "")
        self.live = library.func("l", "heap_live", "")
        self.peak = library.func("l", "heap_peak", "")
        self.blocks = library.func("i", "heap_blocks", "")
        self.block = library.func("l", "heap_block", "i")


def hold(what):
    """Print what a connected, idle client holds, its modules included."""
    gc.collect()
    before = gc.mem_alloc()
    client = CONNECT[what]()
    gc.collect()
    print(gc.mem_alloc() - before)
    client.disconnect()


def taken(what):
    """Print what is allocated while nothing is collected: the peak is at most that."""
    work = WORK[what]()
    work()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work()
    print(gc.mem_alloc() - before)


def objects(_what):
    """Print what each object of a connection holds: bundle, settings and identity, context."""
    kept = []
    for what in ("bundle", "settings", "context"):
        make = WORK[what]()
        make()  # what it imports is no part of it
        gc.collect()
        before = gc.mem_alloc()
        kept.append(make())
        gc.collect()
        print(gc.mem_alloc() - before)


def anchors(_what):
    """Print what the TLS library holds of the anchor in FILE, its peak, and each block."""
    import tls

    probe, data = Probe(), read(path)
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    before = probe.live()
    probe.start()
    context.load_verify_locations(data)
    print(probe.live() - before, probe.peak() - before)
    print(*[probe.block(index) for index in range(probe.blocks())])


def loading(_what):
    """Print what the TLS library holds of all anchors of a bundle, and its peak."""
    probe, work = Probe(), load()
    before = probe.live()
    probe.start()
    context = work()
    print(probe.live() - before, probe.peak() - before)


def connection(what):
    """Print what the TLS library holds of an idle connection, and the peak before."""
    probe = Probe()
    before = probe.live()
    probe.start()
    client = CONNECT[what]()
    peak = probe.peak() - before
    print(probe.live() - before, peak)
    client.disconnect()


class Flash:
    """A chip of 4,096-byte blocks in memory."""

    def __init__(self, blocks):
        self.data = bytearray(b"\xff" * (blocks * 4096))

    def readblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        buffer[:] = memoryview(self.data)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        self.data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, value):
        return {4: len(self.data) // 4096, 5: 4096}.get(operation, 0)


def blocks(_what):
    """Print the blocks that littlefs takes for each file START-0 to START-(N - 1), alone."""
    import vfs

    for name in names():
        flash = Flash(96)
        vfs.VfsLfs2.mkfs(flash)
        system = vfs.VfsLfs2(flash)
        free = system.statvfs("/")[3]
        with system.open("file", "wb") as file:
            file.write(read(name))
        print(free - system.statvfs("/")[3])


def counted(work, probe):
    """Return a function that does the work while callgrind counts."""

    def counting(*arguments, **named):
        probe.toggle()
        try:
            return work(*arguments, **named)
        finally:
            probe.toggle()

    return counting


def count_all(what):
    """Have callgrind count the work, after one that is not counted."""
    probe = Probe()
    work = CONNECT.get(what) or WORK[what]()
    for again in range(1 + count):
        gc.collect()
        found = (counted(work, probe) if again else work)()
        if what in CONNECT:
            found.disconnect()


class Counting:
    """Stands for what umqtt.simple takes for the module ussl, and has its wrap_socket counted."""

    def __init__(self, context, probe):
        self.wrap_socket = counted(context.wrap_socket, probe)


def count_wraps(what):
    """Have callgrind count the handshakes alone: from the call of wrap_socket to its end."""
    probe = Probe()
    CONNECT[what]().disconnect()
    from umqtt.simple import MQTTClient

    connect = MQTTClient.connect

    def connecting(self, *arguments):
        sys.modules["ussl"] = Counting(sys.modules["ussl"], probe)
        return connect(self, *arguments)

    MQTTClient.connect = connecting
    for _ in range(count):
        gc.collect()
        CONNECT[what]().disconnect()


MODES = {
    "hold": hold,
    "taken": taken,
    "objects": objects,
    "anchors": anchors,
    "loading": loading,
    "connection": connection,
    "blocks": blocks,
    "count": count_all,
    "wrap": count_wraps,
}
verb, _, what = mode.partition(":")
MODES[verb](what)
