"""examples/private_ca: a device of one's own CA connects to its broker, and to no other's."""

import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import urootlet
from urootlet.errors import Error

MAKE = Path(__file__).parents[2] / "examples" / "private_ca" / "make.py"
HOST = "broker.pumps.example"


@contextmanager
def broker(folder, listener):
    """A server that shakes hands with devices of ``folder``'s root, and says CONNACK 0."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "root.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    def serve():
        with suppress(OSError):
            while True:
                plain = listener.accept()[0]
                with suppress(OSError), context.wrap_socket(plain, server_side=True) as stream:
                    stream.recv(1024)
                    stream.send(b"\x20\x02\0\0")
                    stream.recv(1024)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def made(tmp_path):
    """The folders of two owners, whose devices look for one broker on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for owner in ("ours", "theirs"):
            where = ["--address", "127.0.0.1", "--mqtt-port", str(listener.getsockname()[1])]
            command = [sys.executable, MAKE, tmp_path / owner, HOST, *where]
            subprocess.run(command, check=True, capture_output=True)
        with broker(tmp_path / "ours", listener):
            yield tmp_path


def test_the_device_connects_and_that_of_another_root_of_the_same_name_does_not(made):
    client = urootlet.connect(f"{made}/ours/pump-7/")
    assert client.session.suite.startswith("ECDHE-ECDSA")
    client.disconnect()
    with pytest.raises(Error) as refused:
        urootlet.connect(f"{made}/theirs/pump-7/")
    assert refused.value.code == "ROOT"


def test_keys_are_for_their_owner_and_are_never_replaced(made):
    for name in ("root.key", "server.key", "pump-7/key.der"):
        assert (made / "ours" / name).stat().st_mode & 0o077 == 0
    again = subprocess.run(
        [sys.executable, MAKE, made / "ours", HOST], capture_output=True, check=False
    )
    assert (again.returncode, again.stderr.count(b"\n")) == (1, 1)
