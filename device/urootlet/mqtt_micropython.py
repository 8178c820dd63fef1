"""MQTT on a board: the firmware's ``umqtt.simple`` over our verified context.

Two conventions exist. 1.3.4 imports ``ussl`` inside connect() and calls its ``wrap_socket``; from
1.4 on ``ssl=`` takes an object that has ``wrap_socket``. Our context is such an object, so it is
given as ``ssl=`` and also stands for the module ``ussl`` while connect() runs.
"""

import sys

from .config import Config
from .tls_micropython import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def connect(config: Config, context: Context) -> "Any":
    """Return a connected ``umqtt.simple.MQTTClient``; what goes wrong propagates."""
    from umqtt.simple import MQTTClient

    client = MQTTClient(
        config.thing, config.address, config.port, keepalive=config.keepalive, ssl=context
    )
    before = sys.modules.get("ussl")
    sys.modules["ussl"] = context  # type: ignore[assignment]
    try:
        client.connect()
        client.session = context.watch
    finally:
        if before is None:
            del sys.modules["ussl"]
        else:
            sys.modules["ussl"] = before
    return client
