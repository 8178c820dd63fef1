# A device of a fleet with jobs: boot on the files of a folder (first argument), connect as often
# as a candidate waits, do all jobs, and print what happened, one JSON line each.
import binascii
import json
import sys
import time

import urootlet
from urootlet.errors import Error
from urootlet.jobs import Jobs

FOLDER = sys.argv[1] + "/"


def show(**what):
    print(json.dumps(what))


if sys.implementation.name == "micropython":
    import machine  # that of the virtual board: the unix port's has no clock

    machine.connect(FOLDER + "clock", "00")
rotation = urootlet.rotating(
    FOLDER, {"on_error": lambda error: show(error=error.code if isinstance(error, Error) else "")}
)


def session():
    """Do what is to do over one connection; tell whether there is something to try."""
    client = rotation.connect()
    anchor = binascii.hexlify(client.session.anchor).decode()
    jobs = Jobs(rotation, client, lambda topic, message: show(heard=topic.decode()))
    ready = False
    while jobs.busy and not ready:
        ready = jobs.poll()
        time.sleep(0.01)
    if not ready:
        client.publish("rootlet/test", "hello", qos=1)  # the working set still serves
    client.disconnect()
    show(served=anchor, ready=ready)
    return ready


for _ in range(5):
    if not session():
        break
