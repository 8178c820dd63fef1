"""What a gateway does for the benches, on CPython: MODE:WHO, FOLDER and the PROBE's path.

``ours`` is urootlet with one root, ``paho`` the usual script: paho-mqtt over a context with all
of certifi and the lab's root. Bytes are those asked of malloc; CPython keeps small objects of
its own elsewhere, so they are OpenSSL's for the most part.
"""

import ctypes
import gc
import json
import os
import ssl
import sys
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

import urootlet
from urootlet import session, tls_cpython  # what imports take is no part of either
from urootlet.bundle import Bundle

(verb, _, who), folder, library = sys.argv[1].partition(":"), sys.argv[2] + "/", sys.argv[3]
probe = ctypes.CDLL(library)
probe.heap_live.restype = probe.heap_peak.restype = ctypes.c_long
settings = json.loads(Path(folder, "rootlet.json").read_text())


def ours():
    return session.Identity(folder).context(Bundle(session.need(folder + "ta")))


class Named(ssl.SSLContext):
    """The endpoint's name is verified wherever we connect to."""

    def wrap_socket(self, sock, *args, **options):
        return super().wrap_socket(
            sock, *args, **{**options, "server_hostname": settings["endpoint"]}
        )


def paho():
    context = Named(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder + "roots.pem")
    context.load_cert_chain(folder + "identity.pem")
    return context


def connect(context):
    client = Client(CallbackAPIVersion.VERSION2, client_id=settings["thing"])
    client.tls_set_context(context)
    client.connect(settings["address"], settings["port"])


def measured(work):
    """Return a function that prints what the work keeps and its peak."""

    def measuring(*arguments):
        gc.collect()
        before = probe.heap_live()
        probe.heap_start()
        found = work(*arguments)
        peak = probe.heap_peak() - before
        gc.collect()
        print(probe.heap_live() - before, peak, flush=True)
        return found

    return measuring


def counted(work):
    """Return a function that does the work while callgrind counts."""

    def counting(*arguments):
        probe.work_toggle()
        try:
            return work(*arguments)
        finally:
            probe.work_toggle()

    return counting


around = counted if verb.startswith("count") else measured
make = {"ours": ours, "paho": paho}[who]
make()  # what is imported and initialised once does not count
if verb.endswith("context"):
    around(make)()
else:
    Client._ssl_wrap_socket = around(Client._ssl_wrap_socket)
    connect(make())
os._exit(0)
