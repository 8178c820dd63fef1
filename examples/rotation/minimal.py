"""A board that takes newer roots over the air. Copy it to the board as ``main.py``.

``rootlet flash --trust-keys KEYS.rlk --offers TOPIC`` has written bundle, keys and settings.
"""

import time

import urootlet
from urootlet.errors import Error

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
settings = rotation.identity.config


def serve():
    """Serve one connection, until there is a newer bundle to try with the next one."""
    new = []

    def heard(topic, message):
        if topic.decode() == settings.offers:
            new.append(rotation.try_offer(message))
        else:
            print(topic, message)

    client = rotation.connect()
    client.set_callback(heard)
    client.subscribe(settings.offers)
    while not any(new):
        client.publish(settings.thing + "/level", "42")
        ends = time.time() + BEAT
        while time.time() < ends and not any(new):
            client.check_msg()
            time.sleep(0.1)
    client.disconnect()


while True:
    try:
        serve()
    except (Error, OSError) as error:
        print(error)
        time.sleep(PAUSE)
