"""Putting a connection together on a board; nothing of this is needed once it is there.

``umqtt.simple`` has two conventions: 1.3.4 imports ``ussl`` inside connect() and calls its
``wrap_socket``; from 1.4 on ``ssl=`` takes an object that has ``wrap_socket``. Our context is such
an object, so it is given as ``ssl=`` and also stands for the module ``ussl`` while connect() runs.
"""

import sys

_TYPING = const(0)  # type: ignore[name-defined]  # noqa: F821 - only the compiler reads this
if _TYPING:
    from typing import Any

    from .session import Config
    from .tls_mpy import Context


def suites(profile: int, context: "Any") -> "list[str]":
    """Return the suites of ``profile`` that this firmware has: ECDHE with AEAD, IANA names.

    TLS 1.3 suites say nothing of the family, so only a bundle for both may offer them. Each is
    tried: a list of all that the firmware has would take 10 KB.
    """
    families = ("TLS1-3", "TLS-ECDHE-ECDSA-WITH", "TLS-ECDHE-RSA-WITH")
    found = []
    # 1 is ECDSA, the second; 2 is RSA, the third; 3 is both: all of them.
    for family in families[profile % 3 : profile + 1]:
        for cipher in ("-AES-128-GCM-SHA256", "-AES-256-GCM-SHA384"):
            name = family + cipher
            try:
                context.set_ciphers([name])
                found.append(name)
            except OSError:
                pass
    return found


def dial(config: "Config", context: "Context") -> "Any":
    """Return a connected ``umqtt.simple.MQTTClient``; what goes wrong propagates."""
    from umqtt.simple import MQTTClient

    client = MQTTClient(
        config.thing, config.address, config.port, keepalive=config.keepalive, ssl=context
    )
    sys.modules["ussl"] = context  # type: ignore[assignment]
    try:
        client.connect()
        client.session = context
    finally:
        del sys.modules["ussl"]  # whoever imports it later gets the firmware's own
    return client
