"""The names that devices connect to.

Source: AWS IoT developer guide, "Server authentication": ``PREFIX-ats.iot.REGION...`` presents a
chain under Amazon Trust Services, ``PREFIX.iot.REGION...`` one under a legacy root.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rootlet.errors import InputError

if TYPE_CHECKING:
    from rootlet.aws.session import Account

_REGION = re.compile(r"\.iot\.([a-z0-9-]+)\.amazonaws\.(?:com|com\.cn|eu)$", re.IGNORECASE)
_LEGACY = re.compile(r"[a-z0-9]+\.iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")


def find(account: Account) -> str:
    """Return the name under Amazon's own roots (iot:Data-ATS)."""
    answer = account.iot.call("DescribeEndpoint", endpointType="iot:Data-ATS")
    return str(answer["endpointAddress"])


def check_region(host: str, region: str) -> None:
    """Refuse an endpoint of AWS IoT in another region: no certificate of this one works there."""
    found = _REGION.search(host)
    if found and found[1].lower() != region.lower():
        raise InputError(
            f"the endpoint {host} is in another region than the certificate would be, {region}",
            why="a certificate, its thing and policy are known in one region only",
            hint=f"--region {found[1].lower()}, or leave --endpoint out",
        )


def warning(host: str, current: str) -> str:
    """Say why devices should not use ``host``; nothing when it is well. ``current`` is AWS's."""
    if _LEGACY.fullmatch(host.lower()):
        return f"{host} is a legacy name, under a root that is distrusted by now; use {current}"
    if host.lower() != current.lower():
        return f"{host} is not the endpoint of this account and region, which is {current}"
    return ""
