"""Who hears a message on the lab's amqtt: MQTT 3.1.1 section 4.7, by an index."""

from types import SimpleNamespace

import pytest

from rootlet.lab.broker_process import Filters

#: Filter, topic, and whether the one takes the other: the examples of the standard.
CASES = [
    ("sport/tennis/player1/#", "sport/tennis/player1", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
    ("sport/#", "sport", True),
    ("#", "sport/tennis", True),
    ("sport/tennis/+", "sport/tennis/player1", True),
    ("sport/tennis/+", "sport/tennis/player1/ranking", False),
    ("sport/+", "sport", False),
    ("sport/+", "sport/", True),
    ("+/+", "/finance", True),
    ("/+", "/finance", True),
    ("+", "/finance", False),
    ("#", "$SYS/x", False),
    ("+/monitor/Clients", "$SYS/monitor/Clients", False),
    ("$SYS/#", "$SYS/monitor", True),
    ("$aws/things/a/jobs/+/+/+", "$aws/things/a/jobs/$next/get/accepted", True),
    ("$aws/things/a/jobs/+/+/+", "$aws/things/b/jobs/$next/get/accepted", False),
    ("ACCOUNTS", "Accounts", False),
]


@pytest.mark.parametrize(("one", "topic", "heard"), CASES)
def test_a_filter_takes_what_the_standard_says(one, topic, heard):
    filters = Filters()
    filters[one] = [("session", 1)]
    assert filters.hearing(topic) == ([("session", 1)] if heard else [])


def test_who_comes_later_and_who_goes_is_seen():
    """amqtt changes the lists in place, and drops a filter that nobody has."""
    filters = Filters()
    filters["a/+"] = first = []
    filters["a/b"] = [("two", 0)]
    first.append(("one", 1))
    assert sorted(filters.hearing("a/b")) == [("one", 1), ("two", 0)]
    del filters["a/b"]
    assert filters.hearing("a/b") == [("one", 1)]
    filters.clear()
    assert filters.hearing("a/b") == []
    assert repr(filters) == "0 filters"


def test_who_ends_hears_no_more_and_others_do():
    one, two = SimpleNamespace(client_id="one"), SimpleNamespace(client_id="two")
    filters = Filters()
    for each in (one, two):
        filters.note(each.client_id, "a/+")
    filters["a/+"] = [(one, 1), (two, 1)]
    filters.drop("one")
    assert filters.hearing("a/b") == [(two, 1)]
    filters.drop("two")
    assert not filters
    filters.drop("two")
