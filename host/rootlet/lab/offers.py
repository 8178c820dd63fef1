"""Publishing an offer through a lab that runs in another process."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from rootlet.errors import InputError
from rootlet.lab.pki import Hierarchy
from rootlet.lab.rig import Lab
from rootlet.lab.services import KEYS, write_identity
from rootlet.lab.subscriber import ClientContext, Subscriber

if TYPE_CHECKING:
    from pathlib import Path

_OPERATOR = "lab-operator"


def publish(folder: Path, address: tuple[str, int], topic: str, data: bytes) -> None:
    """Publish ``data`` on ``topic``, retained, over verified TLS; return when it is acknowledged.

    ``folder`` is that of the lab, ``address`` where its MQTT listens. Raises InputError for a
    folder that no lab has used, NetworkError when nothing answers there.
    """
    roots = folder / "roots.pem"
    if not roots.is_file():
        raise InputError(
            f"{folder} is not the folder of a lab",
            why="it has no roots.pem",
            hint=f"rootlet lab up --dir {folder}",
        )
    pki = Hierarchy.load_or_create(folder / KEYS)
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = Lab(pki=pki).endpoint
    context.load_verify_locations(roots)
    context.load_cert_chain(*write_identity(pki, _OPERATOR, folder))
    with Subscriber(address, context, topic) as client:
        client.publish(topic, data, retain=True)
