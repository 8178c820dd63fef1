"""MQTT on CPython: paho-mqtt behind the method names of ``umqtt.simple``."""

import queue

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .session import Config
    from .tls_cpython import Context


_MAX_PAYLOAD = 131_072  # bytes: AWS IoT's own limit
_MAX_WAITING = 100


class RefusedError(Exception):
    """CONNACK with a return code other than 0, or none at all; the text says which."""


class MQTTClient:
    """What an application on a board calls, on a gateway: publish, subscribe, wait_msg."""

    def __init__(self, config: "Config", context: "Context") -> None:
        self._messages: "queue.SimpleQueue[MQTTMessage | None]" = queue.SimpleQueue()
        self._answers: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self._callback: "Callable[[bytes, bytes], None] | None" = None
        self._timeout = config.timeout
        self._context = context
        self.session = context
        # A connection that is lost is made again by the program, which asks the rotation which
        # set may authenticate by then; paho would do it alone, with this context (rule 3).
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=config.thing, reconnect_on_failure=False
        )
        self._client.tls_set_context(context)
        self._client.on_connect = lambda _c, _u, _f, reason, _p: self._answers.put(reason)
        self._client.on_disconnect = lambda _c, _u, _f, reason, _p: self._lost(reason)
        self._client.on_subscribe = lambda _c, _u, _m, reasons, _p: self._answers.put(reasons[0])
        self._client.on_message = lambda _c, _u, message: self._keep(message)
        if config.port == 443:
            context.set_alpn_protocols(["x-amzn-mqtt-ca"])
        self._client.connect(config.address, config.port, config.keepalive)
        self._client.loop_start()
        self._answer("CONNACK")

    def _keep(self, message: MQTTMessage) -> None:
        """Keep a message for the program; a flood is dropped, or it would fill the memory."""
        if len(message.payload) <= _MAX_PAYLOAD and self._messages.qsize() < _MAX_WAITING:
            self._messages.put(message)

    def _lost(self, reason: "Any") -> None:
        self._answers.put(reason)
        self._messages.put(None)

    def _answer(self, what: str) -> None:
        try:
            reason = self._answers.get(timeout=self._timeout)
        except queue.Empty:
            reason = None
        if reason is None or reason.is_failure or "isconnect" in str(reason):
            self.disconnect()
            ending = "fatal alert" if self._context.alerted else f"{reason or 'none in time'}"
            raise RefusedError(f"{what}: {ending}")

    def set_callback(self, callback: "Callable[[bytes, bytes], None]") -> None:
        """Give the function that gets ``(topic, message)`` of each message."""
        self._callback = callback

    def publish(
        self, topic: "str | bytes", msg: "str | bytes", retain: bool = False, qos: int = 0
    ) -> None:
        """Send a message and wait until it is out (QoS 0) or acknowledged (QoS 1).

        OSError: the connection is lost.
        """
        info = self._client.publish(_text(topic), msg, qos, retain)
        try:
            info.wait_for_publish(self._timeout)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        if not info.is_published():
            raise OSError("no answer in time")

    def subscribe(self, topic: "str | bytes", qos: int = 0) -> None:
        """Subscribe and wait for the answer."""
        self._client.subscribe(_text(topic), qos)
        self._answer("SUBACK")

    @property
    def waiting(self) -> bool:
        """Whether :meth:`check_msg` has something to do, if only to tell of a lost connection."""
        return not self._messages.empty()

    def check_msg(self) -> None:
        """Hand one message to the callback if one is there."""
        if self.waiting:
            self.wait_msg()

    def wait_msg(self) -> None:
        """Wait for one message and hand it to the callback. OSError: the connection is lost."""
        message = self._messages.get()
        if message is None:
            self._messages.put(None)  # for whoever asks next
            raise OSError("the connection is lost")
        if self._callback is not None:
            self._callback(message.topic.encode(), bytes(message.payload))

    def ping(self) -> None:
        """Do nothing: paho keeps the connection alive itself."""

    def disconnect(self) -> None:
        """Say goodbye and end the network thread."""
        self._client.disconnect()
        self._client.loop_stop()


def _text(topic: "str | bytes") -> str:
    return topic if isinstance(topic, str) else topic.decode()


def dial(config: "Config", context: "Context") -> MQTTClient:
    """Return a connected client; what goes wrong propagates."""
    return MQTTClient(config, context)
