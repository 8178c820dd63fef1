"""Things, and what is attached to them. Source: AWS IoT API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rootlet.aws.errors import AbsentError

if TYPE_CHECKING:
    from rootlet.aws.session import Account


def find(account: Account, thing: str) -> dict[str, Any] | None:
    """Return what AWS keeps of a thing, or None."""
    try:
        return account.iot.call("DescribeThing", thingName=thing)
    except AbsentError:
        return None


def principals(account: Account, thing: str) -> list[str]:
    """Return the ARNs of the certificates that are attached to a thing."""
    found = account.iot.pages("ListThingPrincipals", "principals", thingName=thing)
    return [str(one) for one in found]


def policy(account: Account, name: str) -> str | None:
    """Return the document of a policy's default version, or None."""
    try:
        return str(account.iot.call("GetPolicy", policyName=name)["policyDocument"])
    except AbsentError:
        return None


def policy_targets(account: Account, name: str) -> list[str]:
    """Return the ARNs that a policy is attached to."""
    found = account.iot.pages("ListTargetsForPolicy", "targets", policyName=name)
    return [str(one) for one in found]
