"""How the lab starts and ends: quickly, quietly, and with nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from lab_client import handshake
from rootlet.errors import InputError, NetworkError
from rootlet.lab import Hierarchy, Lab
from rootlet.lab.broker import Broker, find_mosquitto, mosquitto_config

#: mosquitto is tested too where it is installed; its absence leaves the same tests on amqtt.
BROKERS: list[Any] = ["amqtt", *(["mosquitto"] if find_mosquitto() else [])]


def test_nothing_is_left_behind(lab_pki: Hierarchy) -> None:
    with Lab(pki=lab_pki, broker="amqtt") as lab, lab.subscriber("x"):
        lab.serve(shape="4")
        pids, folder = lab.pids, lab.broker_socket.parent
        assert len(pids) == 3  # broker, the front that still has the subscriber, its successor
    assert not folder.exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    # Whoever held the port has gone, and this process holds it no longer.
    assert lab._listener.fileno() == -1


_LAB_THAT_WAITS = """
import sys, time
from rootlet.lab import Lab
with Lab(broker=sys.argv[1]) as lab:
    print(lab.port, lab.broker_socket, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("broker", BROKERS)
def test_front_and_broker_end_when_their_parent_is_killed(broker: str) -> None:
    with tempfile.TemporaryDirectory(prefix="rl-") as scratch:
        parent = subprocess.Popen(
            [sys.executable, "-c", _LAB_THAT_WAITS, broker],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": scratch, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        with parent:
            assert parent.stdout is not None
            port, path = parent.stdout.readline().split()
            with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as at_front:
                parent.send_signal(signal.SIGKILL)
                assert ends(at_front)
        soon = time.monotonic() + 10
        while accepts(path):
            assert time.monotonic() < soon
            time.sleep(0.02)


def ends(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def test_keys_in_a_folder_serve_the_next_lab_too(tmp_path: Path) -> None:
    with Lab(tmp_path / "keys", broker="amqtt") as first:
        anchor = first.pki.anchor("amazon-root-ca-1")
    with Lab(tmp_path / "keys", broker="amqtt") as second:
        assert second.pki.anchor("amazon-root-ca-1") == anchor
        assert handshake(second)[1] == "TLSv1.2"


def test_the_broker_is_out_of_reach_of_other_users(lab: Lab) -> None:
    assert lab.broker_socket.is_socket()
    assert lab.broker_socket.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("broker", BROKERS)
def test_starting_a_broker_leaves_the_terminal_quiet(broker: str) -> None:
    script = "import sys; from rootlet.lab import Lab\nwith Lab(broker=sys.argv[1]): pass"
    quiet = subprocess.run(
        [sys.executable, "-c", script, broker],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (quiet.stdout, quiet.stderr) == (b"", b"")


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="rl-") as short:
        broker = Broker(Path(short), "amqtt")
        os.kill(broker.pid, signal.SIGKILL)
        try:
            with pytest.raises(NetworkError, match=r"broker_process\.py has ended"):
                broker.wait_ready()
        finally:
            broker.stop()


def test_a_folder_too_deep_for_a_socket_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too long a path for a Unix socket"):
        Broker(tmp_path / ("deep" * 30), "amqtt")


def test_mosquitto_is_told_to_listen_on_the_socket_and_nowhere_else() -> None:
    lines = mosquitto_config(Path("/x/mqtt.sock"), user=None).splitlines()
    assert [each for each in lines if each.startswith("listener")] == ["listener 0 /x/mqtt.sock"]
    assert not [each for each in lines if each.startswith("user")]


def test_mosquitto_stays_root_where_it_is_started_as_root() -> None:
    assert "user root" in mosquitto_config(Path("/x"), user="root").splitlines()
