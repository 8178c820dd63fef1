# Take the steps given after the first two arguments with the device in the folder of the first,
# and print what came of each as one JSON list. The second is the folder of the virtual board's
# firmware, whose module "machine" sets the clock of a board.
import binascii
import json
import sys
import time

folder = sys.argv[1] + "/"
BOARD = sys.implementation.name == "micropython"
if BOARD:
    sys.path.append(sys.argv[2])
    import machine

    machine.connect(folder + "clock", "000000000000")

import urootlet.clock
from urootlet.errors import Error
from urootlet.rotation import Rotation


class Later:
    """The module time, some seconds later: CPython leaves the real clock to its system."""

    ahead = 0
    gmtime = time.gmtime

    @staticmethod
    def time():
        return time.time() + Later.ahead


if not BOARD:
    urootlet.clock.time = Later
told = []
hooks = {
    name: lambda *arguments, name=name: told.append(
        [name] + [one.code if isinstance(one, Error) else str(one) for one in arguments][:1]
    )
    for name in ("on_trial", "on_confirm", "on_parked", "on_revert", "on_error")
}
hooks["on_trial"] = lambda _found: told.append(["on_trial"])
hooks["on_confirm"] = lambda _found: told.append(["on_confirm"])
trust = None
renewal = None
client = None


def offer(name):
    with open(folder + name, "rb") as file:
        return "new" if trust.offer(file.read()) else "same"


def pair(name):
    """Have the device's own certificate and key replaced, with those in two files."""
    global renewal
    from urootlet.renewal import Renewal

    renewal = Renewal(trust, {"on_error": hooks["on_error"]})
    parts = []
    for kind in ("crt", "key"):
        with open(folder + name + "." + kind, "rb") as file:
            parts.append(file.read())
    return "new" if renewal.offer(*parts) else "same"


def own():
    """What the device presents, and what became of the last pair."""
    status = renewal.status()
    return [binascii.hexlify(trust.identity.cert).decode(), status["state"], status["reason"]]


def connect():
    global client
    client = (renewal or trust).connect()
    return binascii.hexlify(client.session.anchor).decode()


def say(text):
    client.publish("rootlet/test", text, qos=1)
    return ""


def leave():
    client.disconnect()
    return ""


def later(seconds):
    if BOARD:
        urootlet.clock.set_clock(urootlet.clock.now() + int(seconds))
    Later.ahead += int(seconds)
    return ""


def get(url, limit, seconds):
    from urootlet import fetch

    return len(fetch.get(url, int(limit), int(seconds)))


def status():
    return trust.status()["state"]


def reason():
    return trust.status()["reason"]


def active():
    return binascii.hexlify(trust.store.active()).decode()


def banned():
    return binascii.hexlify(trust.store.record.last_bad).decode()


def keys():
    return trust.store.keys().version


def hooked():
    return told


def now():
    return urootlet.clock.now()


def boot():
    global trust
    trust = Rotation(folder, hooks)
    return ""


STEPS = {
    step.__name__: step
    for step in (
        offer, pair, own, connect, say, leave, later, get, status, reason, active, banned, keys, hooked,
        now, boot,
    )
}  # fmt: skip
results = [boot()]
for step in sys.argv[3:]:
    name, *arguments = step.split(" ")
    try:
        results.append(STEPS[name](*arguments))
    except Error as error:
        results.append("E-" + error.code)
print(json.dumps(results[1:]))
