"""A sensor that wakes up, reports and sleeps. Copy it to the board as ``main.py``.

A newer bundle is tried before the board sleeps, while its network is still up: one connection
more, and only then.
"""

import time

import machine

import urootlet
from urootlet.errors import Error

SLEEP = 900_000  # milliseconds
LISTEN = 20  # tenths of a second for a retained offer to arrive

rotation = urootlet.rotating()
settings = rotation.identity.config


def report():
    """Report once, and take what is offered; tell whether there is something to try."""
    new = []
    client = rotation.connect()
    client.set_callback(lambda _topic, message: new.append(rotation.try_offer(message)))
    client.publish(settings.thing + "/level", "42", qos=1)
    client.subscribe(settings.offers)
    for _ in range(LISTEN):
        client.check_msg()
        if new:
            break
        time.sleep(0.1)
    client.disconnect()
    return any(new)


try:
    if report():
        rotation.connect().disconnect()
except (Error, OSError) as error:
    print(error)
machine.deepsleep(SLEEP)
