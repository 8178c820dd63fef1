"""The same on asyncio and mqtt_as. Copy it to the board as ``main.py``.

Beside it goes ``examples/rotation/rotating_mqtt_as.py``, and ``mqtt_as`` into ``lib``.
"""

import asyncio

from mqtt_as import config
from rotating_mqtt_as import RotatingClient

import urootlet
from urootlet.jobs import Jobs

BEAT = 10  # seconds between messages

rotation = urootlet.rotating(
    hooks={"on_confirm": lambda bundle: print("confirmed", bundle.sequence)}
)
thing = rotation.identity.config.thing
config["queue_len"] = 8  # mqtt_as in event mode


class Fleet:
    """One client whose jobs begin anew with each connection."""

    def __init__(self):
        self.client = RotatingClient(config, rotation)
        self.jobs = None

    async def listen(self):
        """Hand each message to the jobs, and print what is not about them."""
        async for topic, message, _retained in self.client.queue:
            if self.jobs is None or not self.jobs.heard(topic, message):
                print(topic, message)

    async def work(self):
        """Begin the jobs after each connection, and do what is due."""
        while True:
            if self.client.up.is_set():
                self.client.up.clear()
                self.jobs = Jobs(rotation)
                for topic in self.jobs.filters:
                    await self.client.subscribe(topic.decode(), 1)
            if self.jobs is not None:
                due = self.jobs.due()
                if due:
                    await self.client.publish(due[0].decode(), due[1].decode())
                if self.jobs.ready:  # a candidate is tried by connecting again
                    self.jobs = None
                    await self.client.disconnect()
                    await self.client.connect()
            await asyncio.sleep(0.1)

    async def main(self):
        tasks = [asyncio.create_task(one()) for one in (self.listen, self.work)]
        await self.client.connect()
        while tasks:
            await self.client.publish(thing + "/level", "42", qos=1)
            await asyncio.sleep(BEAT)


asyncio.run(Fleet().main())
