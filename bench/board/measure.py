"""What a board does for the benches: MODE, COUNT, FOLDER, FILE and the PROBE's path. Prints numbers.

Bytes of Python's heap are gc's; bytes of the TLS library and marks for callgrind are the probe's
(board/probe.c). The bare script is what people write: ``tls`` and ``umqtt.simple``.
"""

import gc
import sys

mode, count, folder, path = sys.argv[1], int(sys.argv[2]), sys.argv[3] + "/", sys.argv[4]


def read(name):
    with open(name, "rb") as file:
        return file.read()


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


class Bare:
    """The usual script; with an anchor it verifies, without one it does not."""

    def __init__(self, anchor, settings):
        import tls

        self.name = settings["endpoint"]
        self.context = context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED if anchor else tls.CERT_NONE
        if anchor:
            context.load_verify_locations(anchor)
        context.load_cert_chain(read(folder + "cert.der"), read(folder + "key.der"))

    def wrap_socket(self, sock, **_convention):
        return self.context.wrap_socket(sock, server_hostname=self.name)


def bare():
    import json

    from umqtt.simple import MQTTClient

    settings = json.loads(read(folder + "rootlet.json"))
    sys.modules["ussl"] = context = Bare(path and read(path), settings)
    address = settings["address"], settings["port"]
    client = MQTTClient(settings["thing"], *address, keepalive=300, ssl=context)
    client.connect()
    return client


def ours():
    import urootlet

    return urootlet.connect(folder)


def rotate():
    """Take an offer, try it, and confirm it."""
    import urootlet

    rotation = urootlet.rotating(folder)
    if not rotation.offer(read(path)):
        raise SystemExit(1)
    client = rotation.connect()
    if rotation.store.record.active != 1:
        raise SystemExit(2)
    return client


CONNECT = {"ours": ours, "bare": bare, "rotate": rotate}


def verify(only_pow=False):
    from urootlet import keyset

    material = read(path)
    modulus, signature, digest = material[:384], material[384:768], material[768:]
    if only_pow:
        n, s = int.from_bytes(modulus, "big"), int.from_bytes(signature, "big")
        return lambda: pow(s, 65537, n)

    def work():
        if not keyset.verify(modulus, signature, digest):
            raise SystemExit(1)

    return work


def parse():
    from urootlet.bundle import Bundle

    data = read(path)
    return lambda: Bundle(data)


def load():
    """Parse a bundle and load its anchors into a context, one by one, as connect() does."""
    import tls
    from urootlet.bundle import Bundle

    data = read(path)

    def work():
        bundle = Bundle(data)
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        for index in range(len(bundle.anchors)):
            context.load_verify_locations(bundle.der(index))
        return context

    return work


WORK = {"verify": verify, "pow": lambda: verify(True), "parse": parse, "load": load}


def need(what):
    """Do it and print nothing: how small a heap is enough is seen from outside."""
    if what in CONNECT:
        CONNECT[what]().disconnect()
    else:
        WORK[what]()()


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
    """Print what each object of a connection holds: bundle, identity, context."""
    from urootlet import session
    from urootlet.bundle import Bundle

    kept, context = [], None
    makers = (
        lambda: Bundle(read(folder + "ta")),
        lambda: session.Identity(folder),
        lambda: kept[1].context(kept[0]),
    )
    for make in makers:
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
    if what in CONNECT:
        work = lambda: CONNECT[what]()
    else:
        work = WORK[what]()
    for again in range(1 + count):
        gc.collect()
        found = (counted(work, probe) if again else work)()
        if what in CONNECT:
            found.disconnect()


def part_of(name):
    """Return (owner, name) of what is counted alone: a part of connect()."""
    from urootlet import session, tls_micropython

    return {
        "wrap": (tls_micropython.Context, "wrap_socket"),
        "watch": (session.Watch, "observe"),
        "finish": (session.Watch, "finish"),
        "settings": (session, "Identity"),
        "bundle": (session, "Bundle"),
        "resolve": (session.Identity, "resolve"),
        "collect": (session.gc, "collect"),
        "context": (session, "Context"),
        "dial": (session, "dial"),
    }[name]


def count_part(name):
    """Have callgrind count a part of our connection only; "wrap-bare": of the bare script's."""
    probe = Probe()
    connect = bare if name == "wrap-bare" else ours
    owner, attribute = (Bare, "wrap_socket") if name == "wrap-bare" else part_of(name)
    connect().disconnect()
    if attribute == "collect":  # of a module that nobody can change
        session = owner, attribute = sys.modules["urootlet.session"], "gc"
        setattr(owner, "gc", Collector(probe))
    else:
        setattr(owner, attribute, counted(getattr(owner, attribute), probe))
    for _ in range(count):
        gc.collect()
        connect().disconnect()


class Collector:
    """Stands for the module gc."""

    def __init__(self, probe):
        self.collect = counted(gc.collect, probe)


MODES = {
    "need": need,
    "hold": hold,
    "taken": taken,
    "objects": objects,
    "anchors": anchors,
    "loading": loading,
    "connection": connection,
    "count": count_all,
    "part": count_part,
}
verb, _, what = mode.partition(":")
MODES[verb](what)
