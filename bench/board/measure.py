"""What a board does for the benches: MODE, COUNT, FOLDER and a FILE. Prints one number, or none.

Numbers are bytes of Python's heap; the TLS library's come from malloc_stats(3) on stderr.
"""

import gc
import sys

mode, count, folder, path = sys.argv[1], int(sys.argv[2]), sys.argv[3] + "/", sys.argv[4]


def read(name):
    with open(name, "rb") as file:
        return file.read()


def stats():
    import ffi

    ffi.open("libc.so.6").func("v", "malloc_stats", "")()


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


def hold(connect):
    gc.collect()
    before = gc.mem_alloc()
    client = connect()
    gc.collect()
    print(gc.mem_alloc() - before)
    client.disconnect()


def load():
    import tls

    data = read(path)
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    stats()
    context.load_verify_locations(data)
    stats()


def verify(only_pow):
    from urootlet import keyset

    modulus, signature, digest = read(path)[:384], read(path)[384:768], read(path)[768:]
    n, s = int.from_bytes(modulus, "big"), int.from_bytes(signature, "big")
    for _ in range(count):
        if only_pow:
            pow(s, 65537, n)
        elif not keyset.verify(modulus, signature, digest):
            raise SystemExit(1)


def parse():
    from urootlet.bundle import Bundle

    data = read(path)
    for _ in range(count):
        Bundle(data)


def taken(work):
    """Print what is allocated while nothing is collected: the peak is at most that."""
    work()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work()
    print(gc.mem_alloc() - before)


if mode in ("bare", "ours"):
    for _ in range(count):
        {"bare": bare, "ours": ours}[mode]().disconnect()
elif mode == "hold-bare":
    hold(bare)
elif mode == "hold-ours":
    hold(ours)
elif mode == "load":
    load()
elif mode == "parse":
    parse()
elif mode == "taken-parse":
    taken(parse)
elif mode == "taken-verify":
    taken(lambda: verify(False))
else:
    verify(mode == "pow")
