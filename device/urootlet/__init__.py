"""TLS trust for a device that talks to AWS IoT: verified always, and replaceable in the field.

``connect()`` returns a verified MQTT connection; ``Error`` is what it raises. Modules load when
they are used.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def connect(folder: str = "") -> "Any":
    """Connect with the bundle, identity and settings in ``folder``: see ``urootlet.session``."""
    from .session import connect as _connect

    return _connect(folder)
