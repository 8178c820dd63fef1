"""A gateway on CPython: ``python gateway.py FOLDER``.

The folder holds ``ta`` (the bundle), ``cert.der``, ``key.der`` and ``rootlet.json``, as on a
board, and for rotations ``factory.rlt`` (the same bundle) and ``factory.rlk`` (the key set).
"""

import logging
import sys
import time

import urootlet
from urootlet.errors import Error

PAUSE = 30  # seconds before the next try after a failure
BEAT = 10  # seconds between messages

log = logging.getLogger("gateway")


def told(name):
    return lambda *details: log.info("%s %s", name, " ".join(map(str, details)))


def serve(rotation):
    """Serve one connection, until there is a newer bundle to try with the next one."""
    settings = rotation.identity.config
    new = []

    def heard(topic, message):
        if topic.decode() == settings.offers:
            new.append(rotation.try_offer(message))
        else:
            log.info("%s: %d bytes", topic, len(message))

    client = rotation.connect()
    client.set_callback(heard)
    client.subscribe(settings.offers)
    while not any(new):
        client.publish(settings.thing + "/level", "42", qos=1)
        ends = time.monotonic() + BEAT
        while time.monotonic() < ends and not any(new):
            client.check_msg()
            time.sleep(0.1)
    client.disconnect()


def main(folder):
    hooks = ("on_offer", "on_trial", "on_confirm", "on_revert", "on_parked", "on_error")
    rotation = urootlet.rotating(folder.rstrip("/") + "/", {name: told(name) for name in hooks})
    while True:
        try:
            serve(rotation)
        except (Error, OSError) as error:
            log.warning("%s", error)
            time.sleep(PAUSE)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    main(sys.argv[1])
