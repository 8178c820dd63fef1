"""TLS trust for a device that talks to AWS IoT: verified always, and replaceable in the field.

``connect()`` returns a verified MQTT connection; ``rotating()`` returns the trust that also takes
signed offers of newer bundles. ``Error`` is what they raise. Modules load when they are used.
"""

from .errors import const

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from .rotation import Rotation


def connect(folder: str = "") -> "Any":
    """Connect with the bundle, identity and settings in ``folder``: see ``urootlet.session``."""
    from .session import connect as _connect

    return _connect(folder)


def rotating(
    folder: str = "", hooks: "dict[str, Callable[..., None]] | None" = None
) -> "Rotation":
    """Return the replaceable trust of ``folder``: see ``urootlet.rotation.Rotation``.

    A program uses either this or ``connect()``, which knows the flashed bundle only.
    """
    from .rotation import Rotation as _Rotation

    return _Rotation(folder, hooks)
