"""What ``rootlet provision`` makes, on real interpreters: TLS, a board's files, and its Wi-Fi."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from rootlet import board as boards
from rootlet import credentials, flash, identity, provision
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.build import Request, build
from rootlet.identity import Settings
from rootlet.provision import Device

DOUBLE = Path(__file__).parents[1] / "device" / "doubles" / "network.py"
HOST = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
SECRET = "correct horse battery"
NOW = datetime.now(UTC).replace(microsecond=0)


def quiet(*_):
    """Show no progress."""


def bundle():
    request = Request(boards.load("virtual"), "both", 1_790_000_000, endpoint_tls12=True)
    return build(request).data


class TestOverTls:
    """The lab asks for a client certificate of its own CA, as AWS IoT does of a registered one."""

    @pytest.mark.parametrize("kind", ["new", "rsa"])
    def test_the_device_is_known_by_its_certificate(self, device, lab, tmp_path, kind):
        device.install(lab, ("amazon-root-ca-1", "amazon-root-ca-3"))
        ca = credentials.Authority(lab.pki.client_ca.certificate, lab.pki.client_ca._key, NOW)
        made = provision.create(
            tmp_path / "test-thing",
            Device(Settings(lab.endpoint, "test-thing", lab.host, lab.port), None, "test-thing"),
            ca.issue,
            key=rsa.generate_private_key(65537, 2048) if kind == "rsa" else None,
        )
        for name, data in identity.read_folder(made.folder).items():
            (device.folder / name).write_bytes(data)
        with lab.subscriber("rootlet/test") as listener:
            assert "code" not in device.connect("hello")
            assert listener.wait()[0].payload == b"hello"


JOIN = """
import sys, network
from urootlet.bundle import Bundle
from urootlet.errors import Error
from urootlet.session import Identity
network.air[:] = {air!r}
if {quick}:
    from urootlet import wifi
    wifi.sleep = lambda seconds: None
with open("ta", "rb") as file:
    found = Bundle(file.read())
try:
    Identity("").prepare(found, found.created)
    print("ready")
except Error as error:
    print(error)
print(", ".join(network.log))
print("urootlet.wifi" in sys.modules)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with VirtualBoard(tmp_path_factory.mktemp("board")) as board:
        files = {**flash.contents(bundle()), "network.py": DOUBLE.read_bytes()}
        flash.flash(board.port, files, quiet)
        yield board.port


@pytest.fixture(scope="module")
def provisioned(port, tmp_path_factory):
    """The folder of a device whose identity the command has put on the board."""
    folder = tmp_path_factory.mktemp("devices") / "pump-7"
    done = subprocess.run(
        [
            sys.executable, "-m", "rootlet", "provision", "-o", folder, "--thing", "pump-7",
            "--endpoint", HOST, "--address", "127.0.0.1", "--self-signed",
            "--wifi", "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{ROCKET}", "--port", port,
            "--json",
        ],
        env={**os.environ, "ROOTLET_WIFI_PASSWORD": SECRET},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert sorted(document["board"]["written"]) == sorted(identity.read_folder(folder))
    return folder


class TestOnABoard:
    """A virtual board; its firmware has no ``network``, so a double of it is there."""

    def join(self, port, *air, quick=False, drop=""):
        with Remote(port) as board:
            return board.run(drop + JOIN.format(air=list(air), quick=quick)).splitlines()

    def test_the_identity_is_there_and_a_second_time_nothing_is_written(self, port, provisioned):
        report = flash.flash(port, identity.read_folder(provisioned), quiet)
        assert (report.written, report.missing) == ([], [])
        assert len(report.unchanged) == 4

    def test_flash_takes_the_folder_as_a_whole_identity(self, port, provisioned, tmp_path):
        (tmp_path / "a.rlt").write_bytes(bundle())
        command = [sys.executable, "-m", "rootlet", "flash", "--port", port, tmp_path / "a.rlt"]
        command += ["--device", provisioned]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "missing" not in done.stderr
        refused = subprocess.run(
            [*command, "--thing", "pump-8"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused.returncode == 2
        assert "is a whole identity" in refused.stderr

    def test_it_joins_the_network_before_it_asks_for_a_name(self, port, provisioned):
        ready, log, loaded = self.join(port)
        assert ready == "ready"
        assert (
            log
            == f"active True, connect caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{ROCKET} {SECRET}"
        )
        assert loaded == "True"

    def test_a_network_that_is_not_there_is_told_without_the_password(self, port, provisioned):
        told, log, _ = self.join(port, *["STAT_NO_AP_FOUND"] * 99, quick=True)
        assert told.startswith("E-NET: Wi-Fi caf")
        assert told.endswith(": no such network")
        assert SECRET not in told
        assert log.count("connect") > 2

    def test_without_the_file_the_module_is_not_even_loaded(self, port, provisioned):
        away = "import os; os.rename('wifi.json', 'away.json')\n"
        back = "import os; os.rename('away.json', 'wifi.json')\n"
        ready, log, loaded = self.join(port, drop=away)
        with Remote(port) as board:
            board.run(back)
        assert (ready, log, loaded) == ("ready", "", "False")
