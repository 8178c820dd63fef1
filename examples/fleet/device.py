"""A board of a fleet whose roots AWS IoT Jobs replace. Copy it to the board as ``main.py``.

``rootlet flash --trust-keys KEYS.rlk`` has written bundle, keys, identity and settings.
"""

import time

import urootlet
from urootlet.errors import Error
from urootlet.jobs import Jobs

PAUSE = 30  # seconds before the next try after a failure
BEAT = 10  # seconds between messages


def say(what):
    return lambda *details: print(what, *details)


rotation = urootlet.rotating(
    hooks={
        "on_confirm": say("new roots confirmed"),
        "on_parked": say("new roots wait:"),
        "on_expiring": say("ends soon:"),
        "on_error": say("refused or failed:"),
    }
)
thing = rotation.identity.config.thing


def serve():
    """Serve one connection, until there is a bundle to try with the next one."""
    client = rotation.connect()
    jobs = Jobs(rotation, client, say("heard"))
    tick = 0
    while not jobs.poll():
        if tick % (BEAT * 10) == 0:
            client.publish(thing + "/level", "42")
        tick += 1
        time.sleep(0.1)
    client.disconnect()


while True:
    try:
        serve()
    except (Error, OSError) as error:
        print(error)
        time.sleep(PAUSE)
