"""Names of AWS IoT endpoints: which ones a device should use.

Source: AWS IoT developer guide, "Server authentication": ``<prefix>-ats.iot.<region>...`` presents
a chain under Amazon Trust Services, ``<prefix>.iot.<region>...`` one under a legacy root.
"""

from __future__ import annotations

import re

_LEGACY = re.compile(r"(?P<prefix>[a-z0-9]+)\.(?P<rest>iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?)")


def is_legacy(host: str) -> bool:
    """Whether this is an old iot:Data name."""
    return _LEGACY.fullmatch(host.lower()) is not None


def warning(host: str, current: str) -> str:
    """Say why devices should not use ``host``; nothing when it is well. ``current`` is AWS's."""
    if is_legacy(host):
        return f"{host} is a legacy name, under a root that is distrusted by now; use {current}"
    if host.lower() != current.lower():
        return f"{host} is not the endpoint of this account and region, which is {current}"
    return ""
