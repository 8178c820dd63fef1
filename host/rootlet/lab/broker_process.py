"""The MQTT broker as a program of its own, which ends when its standard input does.

Run by ``rootlet.lab.broker`` as a file: ``amqtt SOCKET`` serves amqtt on a Unix socket, and
``run PROGRAM [ARGUMENT...]`` holds another broker (mosquitto) by the same lease, so that no
broker outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from paho.mqtt.matcher import MQTTMatcher

if TYPE_CHECKING:
    from collections import deque

_Index: Any = MQTTMatcher  # paho has types, but not for this
_GRACE = 2.0  # seconds from SIGTERM to SIGKILL


def hold(command: list[str]) -> int:
    """Run a program until it ends or standard input does; return its status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def watch() -> None:
        wait_for_end_of_input()
        child.terminate()
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=watch, daemon=True).start()
    return child.wait()


def wait_for_end_of_input() -> None:
    """Return when nobody holds the other end of standard input."""
    while os.read(0, 4096):
        pass


class Filters(dict[str, list[tuple[Any, int]]]):
    """Topic filter -> who has subscribed, at which QoS; with an index of the filters' levels."""

    def __init__(self) -> None:
        super().__init__()
        self._index = _Index()
        self._own: defaultdict[str, set[str]] = defaultdict(set)

    def __setitem__(self, topic_filter: str, subscribed: list[tuple[Any, int]]) -> None:
        super().__setitem__(topic_filter, subscribed)
        self._index[topic_filter] = subscribed

    def __delitem__(self, topic_filter: str) -> None:
        super().__delitem__(topic_filter)
        del self._index[topic_filter]

    def clear(self) -> None:
        """Forget them all."""
        super().clear()
        self._index = _Index()
        self._own.clear()

    def __repr__(self) -> str:
        return f"{len(self)} filters"  # amqtt makes it for a debug line that nobody reads

    def note(self, client_id: str, topic_filter: str) -> None:
        """Note whose filter this is."""
        self._own[client_id].add(topic_filter)

    def drop(self, client_id: str) -> None:
        """Forget the subscriptions of a client."""
        for topic_filter in self._own.pop(client_id, ()):
            left = [each for each in self.get(topic_filter, ()) if each[0].client_id != client_id]
            if left:
                self[topic_filter] = left
            elif topic_filter in self:
                del self[topic_filter]

    def hearing(self, topic: str) -> list[tuple[Any, int]]:
        """Return who hears a message, once for each filter (MQTT 3.1.1 section 4.7)."""
        return [each for found in self._index.iter_match(topic) for each in found]


async def serve_amqtt(path: str) -> None:
    """Serve MQTT 3.1.1 on the Unix socket ``path`` until standard input ends.

    amqtt opens TCP ports only, but takes connections that others have accepted.
    """
    from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter  # noqa: PLC0415 - see hold

    class Writer(StreamWriterAdapter):  # type: ignore[misc] # amqtt has no types for this
        def get_peer_info(self) -> tuple[str, int]:
            return ("front", 0)  # a Unix socket has no address; amqtt hangs up without one

    broker = _aws_broker()(
        {
            "listeners": {"default": {"type": "external"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }
    )

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await broker.external_connected(StreamReaderAdapter(reader), Writer(writer), "default")
        finally:
            writer.close()  # amqtt forgets to when the first packet is no CONNECT

    await broker.start()
    server = await asyncio.start_unix_server(connected, path)
    await asyncio.to_thread(wait_for_end_of_input)
    server.close()


def _aws_broker() -> Any:  # noqa: C901 - methods of a class, whose base is loaded late
    """Return the class of the broker; a mosquitto needs no amqtt."""
    from amqtt.broker import Broker  # noqa: PLC0415 - see above

    class AwsBroker(Broker):  # type: ignore[misc] # amqtt has no types for this
        """amqtt with two things that AWS does, and amqtt does not, and with room for a fleet.

        It hangs up on who publishes to a topic with a leading ``$``; AWS has some. And with a
        clean session, it leaves the older connection of a client id open; a server must end it
        (MQTT 3.1.1 section 3.1.4, MQTT-3.1.4-2). It goes through every filter for each message and
        for each connection that comes or goes; here they are looked up.
        """

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._subscriptions = Filters()

        async def _run_broadcast(self, running: deque[asyncio.Task[Any]]) -> None:
            told = await self._broadcast_queue.get()
            topic, data = told["topic"], told["data"]
            running.extend(
                asyncio.ensure_future(handler.mqtt_publish(topic, data, qos, retain=False))
                for session, qos in self._subscriptions.hearing(topic)
                if (handler := self._get_handler(session)) and session.transitions.is_connected()
            )

        async def add_subscription(self, subscription: tuple[str, int], session: Any) -> int:
            self._subscriptions.note(session.client_id, subscription[0])
            return int(await super().add_subscription(subscription, session))

        async def _del_all_subscriptions(self, session: Any) -> None:
            self._subscriptions.drop(session.client_id)

        async def _publish_retained_messages_for_subscription(
            self, subscription: tuple[str, int], session: Any
        ) -> None:
            if self._retained_messages:
                await super()._publish_retained_messages_for_subscription(subscription, session)

        async def _delete_session(self, client_id: str) -> None:
            older = self._sessions.get(client_id)
            if older is not None and older[0].transitions.is_connected():
                await older[1].handle_connection_closed()
                await older[1].stop()
            await super()._delete_session(client_id)

        async def _handle_message_delivery(self, session: Any, handler: Any, arrived: Any) -> bool:
            message = arrived.result()
            if message is None or not _is_reserved(message.topic):
                return bool(await super()._handle_message_delivery(session, handler, arrived))
            await self._broadcast_message(session, message.topic, message.data)
            return True

    return AwsBroker


def _is_reserved(topic: str) -> bool:
    return topic.startswith("$aws/") and not {"+", "#"} & set(topic)


def main(arguments: list[str]) -> int:
    """Run ``amqtt SOCKET`` or ``run PROGRAM [ARGUMENT...]``."""
    if arguments[0] == "run":
        return hold(arguments[1:])
    asyncio.run(serve_amqtt(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
