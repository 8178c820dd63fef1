"""mqtt_as over verified, replaceable trust. Copy it to the board beside ``mqtt_as``.

mqtt_as 0.8 calls ``ssl.wrap_socket(sock, **ssl_params)`` of the module that it imports while it
connects; that function verifies nobody by itself. Here it finds our context in that place, for
its first connection and for each one that it makes again, and each is a step of the rotation.
"""

import select
import sys

from mqtt_as import MQTTClient

from urootlet import aio
from urootlet.errors import Error


class _Ssl:
    """What stands for the module ``ssl`` while one connection is made."""

    def __init__(self, context, seconds):
        self._context = context
        self._seconds = seconds

    def wrap_socket(self, sock, **_params):
        """Wait until ``sock`` is connected, do the handshake, and make it non-blocking again."""
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        if not poll.poll(self._seconds * 1000):
            raise OSError(-1, "no connection in time")
        stream = self._context.wrap_socket(sock)
        stream.setblocking(False)
        return stream


class RotatingClient(MQTTClient):
    """``MQTTClient`` with server, port, client id and TLS from the device's own settings.

    ``config`` is that of mqtt_as, for everything else.
    """

    def __init__(self, config, rotation):
        settings = rotation.identity.config
        own = {
            "client_id": settings.thing,
            "server": settings.address,
            "port": settings.port,
            "keepalive": settings.keepalive,
            "ssl": True,
            "ssl_params": {},
        }
        super().__init__(config | own)
        self._rotation = rotation

    async def _connect(self, clean):
        try:
            await aio.connect(self._rotation, lambda context: self._open(clean, context))
        except Error as error:
            raise OSError(-1, str(error))  # what mqtt_as takes for a failed connection

    async def _open(self, clean, context):
        before = sys.modules.get("ssl")
        sys.modules["ssl"] = _Ssl(context, self._rotation.identity.config.timeout)
        try:
            await super()._connect(clean)
        except BaseException:
            self._close()
            raise
        finally:
            if before is None:
                del sys.modules["ssl"]
            else:
                sys.modules["ssl"] = before
        return self
