"""A client of the lab that is none of ours: paho-mqtt over CPython's ssl."""

from __future__ import annotations

import secrets
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from rootlet.errors import NetworkError

if TYPE_CHECKING:
    import socket

_CONNECT_TIMEOUT = 5.0  # seconds, for the handshake and for the SUBACK each


class Message(NamedTuple):
    """One message as it arrived."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class ClientContext(ssl.SSLContext):
    """A verifying client context that asks for ``server_name``, wherever it connects to.

    paho-mqtt takes the name to verify from the address to connect to; in the lab these differ.
    """

    server_name = ""

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        """Shake hands with SNI and hostname check for ``server_name``."""
        options["server_hostname"] = self.server_name
        wrapped = super().wrap_socket(sock, *args, **options)
        try:
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()  # paho would leave it open
            raise
        return wrapped


class Subscriber:
    """A context manager that collects what arrives on a topic filter.

    Inside it the subscription is acknowledged (MQTT 3.1.1 section 3.9). It reconnects and
    subscribes again if the connection ends. NetworkError if it cannot connect.
    """

    def __init__(self, address: tuple[str, int], context: ClientContext, topic: str) -> None:
        self._address, self._topic = address, topic
        self._messages: list[Message] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"rootlet-{secrets.token_hex(6)}"
        )
        self._client.tls_set_context(context)
        self._client.connect_timeout = _CONNECT_TIMEOUT
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address)
        except (OSError, ssl.SSLError) as error:
            raise NetworkError(
                "the subscriber cannot connect to the lab", why=str(error)
            ) from None
        self._client.loop_start()
        if not self._subscribed.wait(_CONNECT_TIMEOUT):
            self.__exit__()
            raise NetworkError(
                f"no subscription to {self._topic} within {_CONNECT_TIMEOUT:.0f} s",
                why="the broker did not acknowledge it",
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def messages(self) -> list[Message]:
        """What has arrived so far, oldest first."""
        with self._changed:
            return list(self._messages)

    def wait(self, count: int = 1, timeout: float = 5.0) -> list[Message]:
        """Return all messages once there are ``count``; NetworkError after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self._messages) < count:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise NetworkError(
                        f"{len(self._messages)} of {count} messages on {self._topic} "
                        f"within {timeout:.0f} s"
                    )
            return list(self._messages)

    def publish(
        self,
        topic: str,
        payload: bytes | str,
        *,
        qos: int = 1,
        retain: bool = False,
        timeout: float = 5.0,
    ) -> None:
        """Publish, and wait for the broker's acknowledgement if ``qos`` is above 0."""
        info = self._client.publish(topic, payload, qos, retain)
        try:
            info.wait_for_publish(timeout)
        except (RuntimeError, ValueError) as error:
            raise NetworkError(f"cannot publish to {topic}", why=str(error)) from None
        if not info.is_published():
            raise NetworkError(f"no acknowledgement for {topic} within {timeout:.0f} s")

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe(self._topic, qos=1)

    def _on_message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self._messages.append(
                Message(message.topic, bytes(message.payload), message.qos, message.retain)
            )
            self._changed.notify_all()
