"""TLS trust for a device that talks to AWS IoT: verified always, and replaceable in the field.

``connect()`` returns a verified MQTT connection; ``rotating()`` returns the trust that also takes
signed offers of newer bundles. ``Error`` is what they raise. Modules load when they are used.
"""

import sys

from .errors import MICROPYTHON, const

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from .rotation import Rotation


def connect(folder: str = "") -> "Any":
    """Connect with the bundle, identity and settings in ``folder``: see ``urootlet.session``.

    A device that has a record of its rotation connects as :func:`rotating` does, with the set that
    the record means. On a board the modules that did this are forgotten: see :func:`unload`.
    """
    from .session import connect as _connect

    client = _connect(folder)
    unload()
    return client


def unload() -> None:
    """Let go of the modules on a board: they load again when they are used.

    What a program still holds, as a ``Rotation``, keeps its own.
    """
    if MICROPYTHON:
        for name in list(sys.modules):
            part = name[9:]
            if name[:9] == "urootlet." and part != "errors":  # programs catch its Error
                del sys.modules[name]
                globals().pop(part, None)


def rotating(
    folder: str = "", hooks: "dict[str, Callable[..., None]] | None" = None
) -> "Rotation":
    """Return the replaceable trust of ``folder``: see ``urootlet.rotation.Rotation``.

    Keep one for a folder at a time, and connect with it, not with :func:`connect`, while it is
    kept: each goes by the record that it has read, and would write an older one.
    """
    from .rotation import Rotation as _Rotation

    return _Rotation(folder, hooks)
