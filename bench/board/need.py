"""One thing that a board does, for the benches: need:WHAT, a number, FOLDER and a FILE.

The bare script is what people write: ``tls`` and ``umqtt.simple``. Nothing is printed: whether a
heap is enough is seen from outside.
"""

import sys

what, folder, path = sys.argv[1].partition(":")[2], sys.argv[3] + "/", sys.argv[4]


def read(name):
    with open(name, "rb") as file:
        return file.read()


def names():
    """FILE is one, or START:N for START-0 to START-(N - 1): an argument has at most 255 bytes."""
    start, _, number = path.partition(":")
    return [start + "-%d" % index for index in range(int(number))] if number else [path]


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
    """Parse bundles and load their anchors into one context, one by one, as connect() does."""
    import tls
    from urootlet.bundle import Bundle

    files = [read(one) for one in names()]

    def work():
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        for data in files:
            bundle = Bundle(data)
            for index in range(len(bundle.anchors)):
                context.load_verify_locations(bundle.der(index))
        return context

    return work


def bundle():
    """Read and parse the device's own bundle."""
    from urootlet.bundle import Bundle

    return lambda: Bundle(read(folder + "ta"))


def settings():
    """Read settings, certificate and key."""
    from urootlet.session import Identity

    return lambda: Identity(folder)


def context():
    """Make the TLS context of the device's own bundle, after a garbage collection."""
    device, trust = settings()(), bundle()()
    return lambda: device.context(trust)


WORK = {
    "verify": verify,
    "pow": lambda: verify(True),
    "parse": parse,
    "load": load,
    "bundle": bundle,
    "settings": settings,
    "context": context,
}


def need():
    """Do it once."""
    if what in CONNECT:
        CONNECT[what]().disconnect()
    else:
        WORK[what]()()


if sys.argv[1].startswith("need:"):
    need()
