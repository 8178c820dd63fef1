"""The lab: an endpoint shaped like AWS IoT on this machine, with a real broker behind it.

::

    client --TLS 1.2, SNI, client certificate--> front --Unix socket--> MQTT broker
             127.0.0.1, RSA and ECC chains       (a process)            (a process)

``with Lab() as lab`` starts it; docs/lab.md describes it.
"""

from rootlet.lab.events import Event, EventLog
from rootlet.lab.face import Face
from rootlet.lab.identity import Identity
from rootlet.lab.pki import Hierarchy
from rootlet.lab.rig import Lab
from rootlet.lab.subscriber import Message, Subscriber

__all__ = ["Event", "EventLog", "Face", "Hierarchy", "Identity", "Lab", "Message", "Subscriber"]
