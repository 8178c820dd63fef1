"""A gateway's names may have addresses of another family than a board's: IPv6, for one."""

import socket
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from urootlet import control, fetch
from urootlet.errors import Error


@contextmanager
def server(folder, answer):
    """Answer one connection, at an address of a family that every system has: a path."""
    path = f"{folder}/server"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        listening.settimeout(30)

        def serve():
            with listening.accept()[0] as client:
                if client.recv(4096):  # or it has hung up
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield path
        thread.join()


@pytest.fixture
def names(monkeypatch):
    """Let every name have the address that is put in here first, and one of IPv4."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    return found


def test_a_newer_bundle_is_fetched_from_it(tmp_path, names):
    with server(tmp_path, b"HTTP/1.0 200 OK\r\n\r\nbundle") as path:
        names.insert(0, (socket.AF_UNIX, socket.SOCK_STREAM, 0, "", path))
        assert fetch.get("http://fleet.example/latest.rlt", 100) == b"bundle"


def test_the_control_connection_reaches_it(tmp_path, names):
    config = SimpleNamespace(endpoint="a.example", address="a.example", port=8883, timeout=5)
    shown = []

    def wrap_socket(sock):
        shown.append(sock.family)
        return sock

    context = SimpleNamespace(wrap_socket=wrap_socket, anchor=b"the one")
    identity = SimpleNamespace(config=config, context=lambda _: context)
    with server(tmp_path, b"") as path:
        names.insert(0, (socket.AF_UNIX, socket.SOCK_STREAM, 0, "", path))
        assert control.handshake(identity, None) == b"the one"  # type: ignore[arg-type]
    assert shown == [socket.AF_UNIX]


@pytest.mark.parametrize("port", ["65536", "99999999999999999999"])
def test_a_port_that_there_is_not_is_no_answer(port):
    with pytest.raises(Error, match="E-NET"):
        fetch.get(f"http://127.0.0.1:{port}/latest.rlt", 100)
