"""MQTT packets are told from the bytes that carry them, however these are cut."""

import pytest

from rootlet.lab_front.packets import Packets

CONNECT = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02id"
PUBLISH = b"\x32\x81\x01\x00\x01t\x00\x01" + bytes((0x82,)) * 124
SUBSCRIBE = b"\x82\x06\x00\x02\x00\x01t\x01"
PINGREQ = b"\xc0\x00"
STREAM = CONNECT + PUBLISH + PINGREQ + SUBSCRIBE + PUBLISH


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_each_publish_and_subscribe_is_seen_once(size):
    packets = Packets()
    found = []
    for start in range(0, len(STREAM), size):
        found += packets.begun(STREAM[start : start + size])
    assert found == ["publish", "subscribe", "publish"]


def test_a_length_that_never_ends_is_taken_as_four_bytes():
    packets = Packets()
    assert packets.begun(b"\x30\xff\xff\xff\xff") == ["publish"]
    assert packets.begun(SUBSCRIBE) == []
