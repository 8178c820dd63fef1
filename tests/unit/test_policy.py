"""The policy of a device, and what it denies (security rule 14)."""

import json
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import product

import pytest

from fixtures_aws import ARN
from rootlet import policy
from rootlet.errors import InputError

TOPICS = ("pumps/{thing}/#", "pumps/{thing}/set/+")
_ATTACHED = {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}


def allows(made, action, resource, *, thing="pump-7", client="pump-7", attached=True):
    """Decide as AWS IoT does: the variable is filled in for a thing under its own name only."""
    # In a document of another version, which is what one without a version is, nothing is.
    known = attached and client == thing and made["Version"] == "2012-10-17"
    for one in made["Statement"]:
        if one["Effect"] != "Allow":
            continue
        if one.get("Condition", _ATTACHED) != _ATTACHED or ("Condition" in one and not known):
            continue
        actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
        held = [one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"]
        for pattern in held:
            if policy.VARIABLE in pattern and not known:
                continue
            plain = pattern.replace(policy.VARIABLE, thing).replace("[", "[[]")
            if action in actions and fnmatchcase(ARN + resource, plain):
                return True
    return False


class TestAThingIsItselfAndNothingElse:
    @pytest.mark.parametrize("thing", ["", "pump-7"], ids=["the fleet's policy", "its own"])
    @pytest.mark.parametrize(
        ("action", "resource", "allowed"),
        [
            ("iot:Connect", "client/pump-7", True),
            ("iot:Connect", "client/pump-8", False),
            ("iot:Publish", "topic/$aws/things/pump-7/jobs/start-next", True),
            ("iot:Publish", "topic/$aws/things/pump-7/jobs/$next/get", True),
            ("iot:Receive", "topic/$aws/things/pump-7/jobs/notify-next", True),
            ("iot:Subscribe", "topicfilter/$aws/things/pump-7/jobs/+/+/+", True),
            ("iot:Subscribe", "topicfilter/$aws/things/pump-7/jobs/notify", True),
            ("iot:Publish", "topic/$aws/things/pump-7/shadow/name/rootlet/update", True),
            ("iot:Publish", "topic/pumps/pump-7/state", True),
            ("iot:Publish", "topic/pumps/pump-7/set/speed", True),
            ("iot:Subscribe", "topicfilter/pumps/pump-7/set/+", True),
            ("iot:Publish", "topic/$aws/things/pump-8/jobs/start-next", False),
            ("iot:Publish", "topic/$aws/things/pump-7/shadow/update", False),
            ("iot:Receive", "topic/$aws/things/pump-8/jobs/notify-next", False),
            ("iot:Subscribe", "topicfilter/$aws/things/+/jobs/notify", False),
            ("iot:Subscribe", "topicfilter/pumps/+/state", False),
            # Here + and # stand for themselves.
            ("iot:Subscribe", "topicfilter/pumps/pump-7/log/+", False),
            ("iot:Subscribe", "topicfilter/#", False),
            ("iot:Publish", "topic/pumps/pump-8/state", False),
            ("iot:Publish", "topic/rootlet/offers/pumps", False),
            ("iot:Publish", "topic/$aws/things/pump-70/jobs/start-next", False),
        ],
    )
    def test_it_may(self, thing, action, resource, allowed):
        topics = [one.replace("{thing}", thing) if thing else one for one in TOPICS]
        made = policy.document(ARN, topics, thing)
        assert allows(made, action, resource) is allowed

    def test_under_another_client_id_nothing_is_allowed(self):
        made = policy.document(ARN, TOPICS)
        for action, resource in (
            ("iot:Connect", "client/pump-8"),
            ("iot:Publish", "topic/pumps/pump-7/state"),
        ):
            assert not allows(made, action, resource, client="pump-8")

    def test_a_certificate_that_is_attached_to_no_thing_does_not_connect(self):
        for thing in ("", "pump-7"):
            made = policy.document(ARN, (), thing)
            assert not allows(made, "iot:Connect", "client/pump-7", attached=False)


class TestTopics:
    @pytest.mark.parametrize(
        ("topic", "why"),
        [
            ("", "empty"),
            ("#", "everybody"),
            ("+/state", "everybody"),
            ("$aws/things/{thing}x/jobs/#", "begin with $"),
            ("$SYS/#", "begin with $"),
            ("$aws/rules/x", "begin with $"),
            ("pumps/*", "no part"),
            ("pumps/?", "no part"),
            ("pumps/${iot:ClientId}", "no part"),
            ("pumps/#/x", "no part"),
            ("pumps/x+", "no part"),
            ("pumps/x+/#", "no part"),
            ("pumps/\n", "no part"),
            ("a/b/c/d/e/f/g/h/i", "7 slashes"),
            ("x" * 257, "256 bytes"),
        ],
    )
    def test_this_is_refused(self, topic, why):
        with pytest.raises(InputError, match="refused") as refused:
            policy.check_topic(topic)
        assert why in refused.value.why

    @pytest.mark.parametrize(
        "topic",
        [
            "pumps/{thing}/#",
            "pumps/+/x",
            "$aws/things/{thing}/shadow/#",
            "ü/{thing}",
            "a/b/c/d/e/f/g/h",
            "x" * 256,
        ],
    )
    def test_this_is_taken(self, topic):
        policy.check_topic(topic)

    def test_one_that_is_refused_comes_into_no_policy(self):
        with pytest.raises(InputError, match="refused"):
            policy.document(ARN, ["pumps/{thing}/#", "#"])

    def test_one_with_a_plus_may_be_published_to_at_every_such_place(self):
        made = policy.document(ARN, ["pumps/{thing}/+/set"])
        assert allows(made, "iot:Publish", "topic/pumps/pump-7/motor/set")
        assert not allows(made, "iot:Publish", "topic/pumps/pump-7/motor/state")

    def test_topics_without_the_name_are_everybody_s(self):
        assert policy.shared(["pumps/{thing}/#", "pumps/all"]) == ["pumps/all"]

    def test_more_than_a_policy_holds_is_refused(self):
        with pytest.raises(InputError, match="characters"):
            policy.document(ARN, [f"pumps/{{thing}}/{n}/#" for n in range(9)])

    def test_a_policy_holds_2048_characters_and_not_one_more(self):
        taken = []
        # A topic is named twice, so one of the two beginnings meets the limit.
        for arn, more in product(("arn:", "arn:x"), range(1, 256)):
            with suppress(InputError):
                made = policy.document(arn, ["x" * 250, "x" * 250, "x" * more])
                taken.append(len(policy.encode(made)))
        assert max(taken) == 2048


def test_a_document_is_compared_by_what_it_says():
    made = policy.document(ARN, TOPICS)
    assert policy.same(json.dumps(made, indent=7), made)
    assert not policy.same(json.dumps(policy.document(ARN, TOPICS[:1])), made)
    assert not policy.same("{", made)
