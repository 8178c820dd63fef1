"""``rootlet lab`` as a person starts it: what it prints, that it works, and how it ends."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from rootlet.errors import InputError
from rootlet.lab import scenarios, written
from rootlet.lab.subscriber import ClientContext

ROOTLET = [sys.executable, "-m", "rootlet"]
CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd"  # MQTT 3.1.1 section 3.1


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="rl-") as short:  # it holds a Unix socket's path
        yield Path(short)


@contextmanager
def running(folder, *options, end=signal.SIGTERM):
    """Run ``rootlet lab up``; yield what it printed, then stop it and look at how it ended."""
    command = [*ROOTLET, "lab", "up", "--port", "0", "--dir", str(folder / "lab"), "--json"]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
        start_new_session=True,
    ) as process:
        try:
            yield read_document(process.stdout)
        finally:
            process.send_signal(end)
            _, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    assert errors.endswith(b"stopped\n")
    assert not list(folder.glob("rootlet-lab-*"))


def read_document(stream):
    text = b""
    while line := stream.readline():
        text += line
        if line == b"}\n":
            return json.loads(text)
    raise AssertionError("no document")


def context(told):
    made = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    made.server_name = told["endpoint"]
    made.load_verify_locations(told["roots"])
    made.load_cert_chain(told["certificate"], told["key"])
    return made


def connack(told, made):
    raw = socket.create_connection((told["address"], told["port"]), timeout=5)
    with raw, made.wrap_socket(raw) as client:
        client.sendall(CONNECT)
        return client.recv(4)


class TestUp:
    def test_is_there_within_three_seconds_and_what_it_wrote_connects(self, folder):
        """The best of a few counts: a machine that is busy is no fault of the lab."""
        with running(folder):  # makes the keys
            pass

        def seconds():
            began = time.monotonic()
            with running(folder) as told:
                took = time.monotonic() - began
                assert connack(told, context(told)) == b"\x20\x02\x00\x00"
            return took

        assert any(seconds() < 3 for _ in range(5))

    @pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
    def test_ends_cleanly(self, folder, end):
        with running(folder, end=end) as told:
            pids = told["pids"]
            assert all(alive(pid) for pid in pids)
        assert not any(alive(pid) for pid in pids)

    def test_misbehaves_by_name_and_names_what_a_device_must_hold(self, folder):
        with running(folder, "--scenario", "expired-root") as told:
            assert told["expect"] == "E-EXPIRED"
            roots = x509.load_pem_x509_certificates(Path(told["roots"]).read_bytes())
            assert len(roots) == 2
            with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
                connack(told, context(told))

    def test_keys_and_identity_are_private_and_serve_again(self, folder):
        with running(folder) as first:
            key = Path(first["key"])
            before = key.read_bytes()
            assert key.stat().st_mode & 0o077 == 0
        with running(folder) as second:
            assert Path(second["key"]).read_bytes() == before
            assert connack(second, context(second))[-1] == 0

    def test_writes_what_happened_as_lines_of_json(self, folder):
        log = folder / "events.jsonl"
        with running(folder, "--json-log", str(log)) as told:
            connack(told, context(told))
        events = [json.loads(line) for line in log.read_text().splitlines()]
        assert [each["kind"] for each in events] == ["open", "spoke", "closed"]
        assert events[0]["thing"] == "lab-thing"

    def test_a_port_that_is_taken_is_named_with_a_way_out(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            done = rootlet("lab", "up", "--port", port, "--dir", str(folder / "lab"))
        assert done.returncode == 5
        assert port in done.stderr
        assert "--port" in done.stderr

    def test_a_clock_answers_on_the_port_that_boards_ask(self, folder):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = str(taken.getsockname()[1])
            done = rootlet(
                *("lab", "up", "--port", "0", "--ntp-port", port, "--dir", str(folder / "lab"))
            )
        assert done.returncode == 5
        assert f"cannot answer NTP on 127.0.0.1:{port}" in done.stderr
        with running(folder, "--ntp-port", port) as told:
            assert told["ntp_port"] == int(port)

    def test_an_address_beyond_loopback_is_warned_about(self, folder):
        with subprocess.Popen(
            [*ROOTLET, "lab", "up", "--port", "0", "--bind", "0.0.0.0", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "XDG_DATA_HOME": str(folder), "HOME": str(folder)},
        ) as process:
            told = read_document(process.stdout)
            assert Path(told["roots"]).is_relative_to(folder)  # without --dir: the data folder
            process.terminate()
            assert b"warning: everybody" in process.communicate(timeout=10)[1]

    @pytest.mark.parametrize(
        "options", [("--scenario", "nonsense"), ("--thing", "../x"), ("--json-log", "/no/such")]
    )
    def test_bad_input_is_refused(self, folder, options):
        done = rootlet("lab", "up", "--port", "0", "--dir", str(folder / "lab"), *options)
        assert done.returncode == 2

    def test_the_next_command_that_it_prints_works(self, folder):
        command = [*ROOTLET, "lab", "up", "--port", "0", "--dir", str(folder / "lab")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, b"")
            line = next(each for each in lines if each.startswith(b"next: rootlet "))
            words = line.decode().split()[2:]
            done = rootlet(*words[:-1], str(folder / "lab.rlt"))
            process.terminate()
            process.communicate(timeout=10)
        assert done.returncode == 0, done.stderr


class TestTheLists:
    def test_scenarios_come_as_a_table_and_as_a_document(self):
        told = json.loads(rootlet("lab", "scenarios", "--json").stdout)["scenarios"]
        assert [each["name"] for each in told] == [each.name for each in scenarios.all()]
        table = rootlet("lab", "scenarios").stdout
        assert all(each.name in table for each in scenarios.all())


class TestPki:
    def test_writes_chains_that_openssl_verifies(self, tmp_path):
        folder = tmp_path / "pki"
        assert rootlet("lab", "pki", "-o", str(folder)).returncode == 0
        for chain in (folder / "server").glob("*.chain.pem"):
            done = subprocess.run(
                ["openssl", "verify", "-x509_strict"]  # noqa: RUF005 - options and their values
                + ["-CAfile", folder / "roots.pem", "-untrusted", chain, chain],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        assert len(list((folder / "server").glob("*.chain.pem"))) == 4
        for path in folder.rglob("*"):
            assert path.is_dir() or path.name == "README.txt" or not path.stat().st_mode & 0o077
        assert "worth" in (folder / "README.txt").read_text()

    def test_leaves_a_folder_with_something_in_it_alone(self, tmp_path):
        (tmp_path / "mine").write_text("x")
        with pytest.raises(InputError, match="not empty"):
            written.write(tmp_path, "iot.eu-west-1.amazonaws.com", "thing")


def alive(pid):
    return Path(f"/proc/{pid}").exists()


def rootlet(*arguments):
    return subprocess.run(
        [*ROOTLET, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
