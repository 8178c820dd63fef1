# A device that rotates: run the steps given (a JSON file, second argument) on the files in a
# folder (first argument) and print what happened, one JSON line each. "sync" or "async" is third.
import binascii
import json
import sys

import urootlet
from urootlet.errors import Error

FOLDER, STEPS, HOW = sys.argv[1] + "/", sys.argv[2], sys.argv[3]


def show(**what):
    print(json.dumps(what))


def plain(value):
    if isinstance(value, Error):
        return value.code
    return value if isinstance(value, (int, str)) else type(value).__name__


def hook(name):
    def told(*arguments):
        show(hook=name, arguments=[plain(one) for one in arguments])
        if BROKEN:
            raise ValueError(name)

    return told


NAMES = ("on_offer", "on_trial", "on_confirm", "on_revert", "on_parked", "on_expiring", "on_error")
BROKEN = HOW.endswith("-broken")
if sys.implementation.name == "micropython":
    import machine  # that of the virtual board: the unix port's has no clock

    machine.connect(FOLDER + "clock", "00")
rotation = urootlet.rotating(FOLDER, {name: hook("%s" % name) for name in NAMES})


def offer(text):
    try:
        show(offered=rotation.offer(binascii.unhexlify(text)))
    except Error as error:
        show(refused=error.code)


def listen(topic):
    """Connect, and take what is retained on the topic of offers."""
    client = rotation.connect()
    new = []
    client.set_callback(lambda _topic, message: new.append(rotation.try_offer(message)))
    client.subscribe(topic)
    while not new:
        client.check_msg()
    client.disconnect()
    show(taken=new)


def connect(_=None):
    try:
        client = rotation.connect()
        anchor = binascii.hexlify(client.session.anchor).decode()
        client.publish("rootlet/test", "hello", qos=1)
        client.disconnect()
        show(served=anchor)
    except Error as error:
        show(failed=error.code)


async def connect_async():
    import stream_client

    from urootlet import aio

    try:
        client = await aio.connect(
            rotation, lambda context: stream_client.connect(rotation.identity.config, context)
        )
        await client.publish("rootlet/test", "hello")
        client.close()
        show(served=binascii.hexlify(client.context.anchor).decode())
    except Error as error:
        show(failed=error.code)


async def careless_async():
    """Connect without the context: whatever comes of it counts for nothing."""
    from urootlet import aio

    async def opener(context):
        return object()

    try:
        await aio.connect(rotation, opener)
        show(served="")
    except Error as error:
        show(failed=error.code)


async def offer_in_trial_async(text):
    """Offer while the connection of a trial is being made."""
    import stream_client

    from urootlet import aio

    async def opener(context):
        offer(text)
        return await stream_client.connect(rotation.identity.config, context)

    client = await aio.connect(rotation, opener)
    client.close()
    show(served="")


def later(seconds):
    """Let the clock be later by so many seconds."""
    from urootlet import clock

    now = clock.now
    clock.now = lambda: now() + seconds


def status(_=None):
    found = rotation.status()
    show(state=found["state"], active=found["active"], floor=found["floor"])


def modules(_=None):
    show(modules=[name for name in sys.modules if name.startswith("urootlet.")])


def run(step, value=None):
    if HOW.startswith("async") and step + "_async" in globals():
        import asyncio

        arguments = () if value is None else (value,)
        asyncio.run(globals()[step + "_async"](*arguments))
    else:
        globals()[step](value)


with open(STEPS) as file:
    for step in json.loads(file.read()):
        run(*step)
