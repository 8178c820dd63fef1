"""The names of the network that a page uses, in every Python program that its commands start.

``ROOTLET_WORLD`` is JSON: "name:port" -> [address, port]. A name that is not in it does not
resolve, so that no command of a page ever leaves this computer.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

_WORLD = {key: tuple(value) for key, value in json.loads(os.environ["ROOTLET_WORLD"]).items()}
_real = socket.getaddrinfo


def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
    """Look a name up in the world; what is on loopback and has no entry is as it is."""
    name = host.decode() if isinstance(host, bytes) else host
    there = _WORLD.get(f"{name}:{port}")
    if there is None and name not in {None, "", "localhost"} and not name.startswith("127."):
        raise socket.gaierror(socket.EAI_NONAME, f"{name} is not in the world of this page")
    return _real(*(there or (host, port)), *arguments, **options)


socket.getaddrinfo = getaddrinfo
