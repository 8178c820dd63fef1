"""The policy of a device: its own thing, nothing else (security rule 14).

One policy serves a whole fleet: ``${iot:Connection.Thing.ThingName}`` stands for the thing that
connects. AWS fills it in only when the certificate is attached to that thing and the client id
is its name; for anybody else no resource matches, so all is denied. With a thing named, its name
takes the variable's place. Sources: AWS IoT developer guide, "Thing policy variables" and
"Publish/Subscribe policy examples": a resource ``topic/`` takes the wildcard ``*``, in
``topicfilter/`` the MQTT wildcards stand for themselves.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "${iot:Connection.Thing.ThingName}"
#: In an application topic, what stands for the thing's name.
THING = "{thing}"
#: AWS IoT quotas: characters of a policy document, white space not counted; bytes of a topic.
_MAX_DOCUMENT = 2048
_MAX_TOPIC = 256
_MAX_SLASHES = 7
_OWN = f"$aws/things/{THING}/"
#: What rootlet's device code uses: jobs, and the named shadow that tells of late confirms.
_SERVICES = (f"{_OWN}jobs/#", f"{_OWN}shadow/name/rootlet/#")
_LEVEL = re.compile(r"[^+#*?$\x00-\x1f\x7f]*|\+|\$aws", re.ASCII)


def document(arn: str, topics: Sequence[str], thing: str = "") -> dict[str, Any]:
    """Return the policy document of one ``thing``, or of every thing of a fleet.

    ``arn`` is the beginning of ARNs here, ``arn:aws:iot:REGION:ACCOUNT:``. A thing may connect as
    itself, and publish and subscribe to its jobs, its shadow ``rootlet`` and ``topics``. Raises
    InputError for a topic that is not one, or that belongs to AWS, and for too many of them.
    """
    for topic in topics:
        check_topic(topic)
    name = thing or VARIABLE
    filters = [one.replace(THING, name) for one in (*_SERVICES, *topics)]
    made = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "iot:Connect",
                "Resource": f"{arn}client/{name}",
                "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}},
            },
            {
                "Effect": "Allow",
                "Action": ["iot:Publish", "iot:Receive"],
                "Resource": [f"{arn}topic/{_wild(one)}" for one in filters],
            },
            {
                "Effect": "Allow",
                "Action": "iot:Subscribe",
                "Resource": [f"{arn}topicfilter/{one}" for one in _subscribed(filters)],
            },
        ],
    }
    size = len(encode(made))
    if size > _MAX_DOCUMENT:
        raise InputError(
            f"the policy has {size} characters",
            why=f"AWS takes {_MAX_DOCUMENT}",
            hint=f"fewer --topic, or one that covers several, such as 'pumps/{THING}/#'",
        )
    return made


def encode(made: dict[str, Any]) -> str:
    """Return the document without white space, as it is sent."""
    return json.dumps(made, separators=(",", ":"))


def same(text: str, made: dict[str, Any]) -> bool:
    """Whether a document that AWS keeps says the same."""
    try:
        return bool(json.loads(text) == made)
    except ValueError:
        return False


def check_topic(topic: str) -> None:
    """Raise InputError when this is no topic that an application of a device may have."""
    levels = topic.split("/")
    inner = levels[:-1] if levels[-1] == "#" else levels
    rules = (
        (not topic, "it is empty"),
        (
            len(topic.encode()) > _MAX_TOPIC or len(levels) - 1 > _MAX_SLASHES,
            f"a topic has at most {_MAX_TOPIC} bytes and {_MAX_SLASHES} slashes",
        ),
        (
            topic.startswith("$") and not topic.startswith(_OWN),
            "topics that begin with $ belong to AWS",
        ),
        (levels[0] in ("+", "#"), "it covers topics of everybody"),
        (
            not all(_LEVEL.fullmatch(one) for one in inner),
            "+ and # stand alone between slashes, # at the end; * ? $ are no part of a topic",
        ),
    )
    for broken, why in rules:
        if broken:
            hint = f"such as 'pumps/{THING}/#'"
            raise InputError(f"--topic {topic[:80]!r} is refused", why=why, hint=hint)


def shared(topics: Sequence[str]) -> list[str]:
    """Return the topics that every device of the fleet may write, not only its owner."""
    return [one for one in topics if THING not in one]


def _wild(topic: str) -> str:
    """Return a filter as a resource of publishing: one wildcard, which also crosses slashes."""
    return "/".join("*" if one in ("+", "#") else one for one in topic.split("/"))


def _subscribed(filters: Sequence[str]) -> list[str]:
    """Return the filters that may be subscribed to.

    Below a topic of AWS a device subscribes to single topics and to filters with ``+``: ``*``
    covers both, as in AWS's own examples.
    """
    return [_wild(one) if one.startswith("$aws/") else one for one in filters]
