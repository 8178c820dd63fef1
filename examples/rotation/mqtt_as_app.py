"""An application on asyncio and mqtt_as. Copy it to the board as ``main.py``."""

import asyncio

from mqtt_as import config
from rotating_mqtt_as import RotatingClient

import urootlet

BEAT = 10  # seconds between messages

rotation = urootlet.rotating(
    hooks={"on_confirm": lambda bundle: print("confirmed", bundle.sequence)}
)
settings = rotation.identity.config
config["queue_len"] = 4  # mqtt_as in event mode


async def subscribe(client):
    """Subscribe after each connection, as mqtt_as asks for."""
    while True:
        await client.up.wait()
        client.up.clear()
        await client.subscribe(settings.offers, 1)


async def listen(client):
    """Take offers; a new one is tried by connecting again."""
    async for topic, message, _retained in client.queue:
        if topic.decode() == settings.offers and rotation.try_offer(message):
            await client.disconnect()
            await client.connect()


async def main():
    client = RotatingClient(config, rotation)
    tasks = [asyncio.create_task(one(client)) for one in (subscribe, listen)]
    await client.connect()
    while tasks:
        await client.publish(settings.thing + "/level", "42", qos=1)
        await asyncio.sleep(BEAT)


asyncio.run(main())
