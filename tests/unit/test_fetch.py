"""The answer of a recovery server, byte for byte and second for second (security rule 11).

``integration/test_rules_tls.py`` meets real servers that stall, trickle, redirect and never end.
"""

from types import SimpleNamespace
from unittest.mock import patch

import pytest

from urootlet import fetch
from urootlet.errors import Error

OK = b"HTTP/1.0 200 OK\r\n"


class Peer:
    """A connection whose other end sends these parts, and takes ``milliseconds`` for each."""

    def __init__(self, *parts, milliseconds=0):
        self._parts = list(parts)
        self._milliseconds = milliseconds
        self._now = 0
        self.sent, self.timeouts, self.reached, self.open = b"", [], [], True

    def get(self, url="http://fleet/latest.rlt", limit=100):
        sockets = SimpleNamespace(
            socket=lambda _family: self,
            getaddrinfo=lambda host, port: [(0, 0, 0, "", (host, port))],
        )
        ticks = patch.object(fetch, "_ticks", lambda: self._now)
        with patch.object(fetch, "socket", sockets), ticks:
            return fetch.get(url, limit)

    def refused(self, **options):
        with pytest.raises(Error) as caught:
            self.get(**options)
        assert caught.value.code == "NET"
        return caught.value.detail

    def connect(self, address):
        self.reached.append(address)

    def settimeout(self, seconds):
        self.timeouts.append(seconds)

    def send(self, data):
        self.sent += data
        return len(data)

    def recv(self, size):
        self._now += self._milliseconds
        part = self._parts.pop(0) if self._parts else b""
        if len(part) > size:
            self._parts.insert(0, part[size:])
        return part[:size]

    def close(self):
        self.open = False


class TestTheRequest:
    def test_says_the_path_and_the_host_and_nothing_of_the_device(self):
        peer = Peer(OK + b"\r\nbody")
        assert peer.get("http://fleet:8080/a/latest.rlt") == b"body"
        assert peer.sent == b"GET /a/latest.rlt HTTP/1.0\r\nHost: fleet:8080\r\n\r\n"
        assert peer.reached == [("fleet", 8080)]
        assert not peer.open

    @pytest.mark.parametrize(
        "url",
        ["https://fleet/x", "ftp://fleet/x", "fleet/x", "", "http:///x", "http://fleet:x/"],
    )
    def test_is_not_made_to_what_is_no_http_url(self, url):
        peer = Peer(OK + b"\r\nbody")
        assert "not an http URL" in peer.refused(url=url)
        assert peer.reached == []


class TestTheAnswer:
    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            OK,
            b"HTTP/1.0 201 OK\r\n\r\nbody",
            b"HTTP/1.0\t200 OK\r\n\r\nbody",
            b"HTTP/2.0 200 OK\r\n\r\nbody",
            OK + b"Transfer-Encoding: Chunked\r\n\r\nbody",
        ],
    )
    def test_that_is_no_plain_200_is_refused(self, answer):
        peer = Peer(answer)
        peer.refused()
        assert not peer.open

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_may_come_in_parts_of_any_size(self, size):
        answer = OK + b"\r\n" + bytes(100)
        parts = [answer[at : at + size] for at in range(0, len(answer), size)]
        assert Peer(*parts).get() == bytes(100)

    def test_has_a_body_of_the_limit_and_not_a_byte_more(self):
        assert Peer(OK + b"\r\n" + bytes(100)).get() == bytes(100)
        assert "too long" in Peer(OK + b"\r\n" + bytes(101)).refused()

    def test_without_end_is_not_read_to_its_end(self):
        peer = Peer(OK + b"\r\n" + bytes(10_000))
        assert "too long" in peer.refused()
        (unread,) = peer._parts
        assert len(unread) > 8000

    def test_has_a_header_of_a_kilobyte_and_not_a_byte_more(self):
        whole = 1024 - len(OK) - len(b"A: \r\n\r\n")
        assert Peer(OK + b"A: " + b"x" * whole + b"\r\n\r\nbody").get() == b"body"
        Peer(OK + b"A: " + b"x" * (whole + 1) + b"\r\n\r\nbody").refused()


class TestTheTime:
    def test_is_twenty_seconds_for_everything_and_each_part_has_what_is_left(self):
        peer = Peer(*[b"H"] * 9, milliseconds=7000)
        assert "too slow" in peer.refused()
        assert peer.timeouts == [20, 20, 13, 6]
        assert not peer.open

    def test_is_over_with_the_last_second(self):
        peer = Peer(*[b"H"] * 9, milliseconds=5000)
        assert "too slow" in peer.refused()
        assert peer.timeouts == [20, 20, 15, 10, 5]
        assert Peer(OK, b"\r\n", b"b", milliseconds=5000 - 1).get() == b"b"
