"""Each example of a rotation runs as it is, on a virtual board or on CPython, against the lab.

It connects, says something, takes a signed bundle from the topic of offers, tries it with its
next connection, and goes on under it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fixtures_device import DEVICE, Device
from jobs_world import document, ended, reasons
from rootlet import flash, identity, rotate
from rootlet.boardio.remote import Remote
from rootlet.cli import cli
from rootlet.lab.jobs import JobService
from rotating_device import RotatingDevice
from rotation_cases import KEYS, ROOTS, Release

EXAMPLES = Path(__file__).parents[2] / "examples"
DOUBLES = Path(__file__).parents[1] / "device" / "doubles"
OFFERS = "rootlet/offers/pumps"
THING = "test-thing"


@pytest.fixture
def newer(lab):
    """One root more than before: good on the server as it is."""
    return Release(lab.pki, 2, roots=(*ROOTS, "amazon-root-ca-4")).encode()


def flashed(board, lab):
    """Flash a board of the fleet, as the how-to does."""
    issued = lab.pki.issue_identity(THING)
    key = identity.read_key(issued.key_der, "key", issued.cert_der)
    settings = identity.Settings(lab.endpoint, THING, lab.host, lab.port, offers=OFFERS)
    files = flash.contents(Release(lab.pki).encode(), settings, issued.cert_der, key, KEYS)
    flash.flash(board.port, files, lambda *_: None, keys=KEYS)


def start(board, files):
    """Copy files to a board and start its program."""
    with Remote(board.port) as remote:
        remote.snippet("files")
        for name, text in files.items():
            remote.put(name, text.encode(), lambda _: None)
        remote.restart()


def read(name, **changes):
    """An example's text, with other numbers for a test that is in a hurry."""
    text = (EXAMPLES / name).read_text()
    for constant, value in changes.items():
        line = next(one for one in text.splitlines() if one.startswith(f"{constant} = "))
        text = text.replace(line, f"{constant} = {value}")
    return text


def rotates(lab, newer):
    """Wait for a message under the old bundle, offer the new one, and wait until it is tried.

    The first message after the offer may have been on its way, the second may be of a sensor
    that had just stopped listening; before the third, the bundle was tried.
    """
    with lab.subscriber(f"{THING}/level") as operator:
        operator.wait(1, timeout=30)
        operator.publish(OFFERS, newer, retain=True)
        operator.wait(len(operator.messages) + 3, timeout=30)


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": read("rotation/minimal.py", BEAT=1)},
        {"main.py": read("rotation/sensor.py", SLEEP=300)},
        {
            "main.py": read("rotation/mqtt_as_app.py", BEAT=1),
            "rotating_mqtt_as.py": read("rotation/rotating_mqtt_as.py"),
            "lib/mqtt_as.py": (DOUBLES / "mqtt_as.py").read_text(),
        },
    ],
    ids=["minimal", "sensor that sleeps", "asyncio with mqtt_as"],
)
def test_on_a_board(virtual_board, lab, newer, files):
    flashed(virtual_board, lab)
    start(virtual_board, files)
    rotates(lab, newer)
    status = rotate.status(virtual_board.port)
    assert status["floor"] == [1, 2]
    assert status["reason"] == "confirmed"


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": read("fleet/device.py", BEAT=1)},
        {
            "main.py": read("fleet/device_asyncio.py", BEAT=1),
            "rotating_mqtt_as.py": read("rotation/rotating_mqtt_as.py"),
            "lib/mqtt_as.py": (DOUBLES / "mqtt_as.py").read_text(),
        },
    ],
    ids=["blocking client", "asyncio with mqtt_as"],
)
def test_a_board_of_a_fleet_does_its_jobs(virtual_board, lab, newer, files):
    flashed(virtual_board, lab)
    with JobService(lab.broker_socket) as service:
        service.create("good", document(newer), THING)
        start(virtual_board, files)
        assert reasons([ended(service, "good", THING)]) == [("SUCCEEDED", "confirmed")]
        stranger = Release(lab.pki.lookalike(), 3).encode()
        service.create("bad", document(stranger), THING)
        assert reasons([ended(service, "bad", THING)]) == [("FAILED", "parked")]
        with lab.subscriber(f"{THING}/level") as operator:
            operator.wait(2, timeout=30)  # it works, on the set that works
    status = rotate.status(virtual_board.port)
    assert (status["state"], status["floor"]) == ("parked", [1, 2])


def test_a_board_whose_program_renews_takes_the_next_certificate(virtual_board, lab, tmp_path):
    """docs/gateway.md: give it over the port, and deactivate the old one when it is confirmed."""
    flashed(virtual_board, lab)
    text = read("fleet/device.py", BEAT=1, PAUSE=1)
    text = text.replace(
        "import urootlet\n", "import urootlet\nfrom urootlet.renewal import Renewal\n"
    )
    text = text.replace("client = rotation.connect()", "client = Renewal(rotation).connect()")
    port = ["--port", virtual_board.port]
    with lab.subscriber(f"{THING}/level") as operator:
        start(virtual_board, {"main.py": text})
        operator.wait(1, timeout=30)
        before = told("rotate", "identity", *port)
        pair = lab.pki.issue_identity(THING).write(tmp_path)
        taken = told("rotate", "identity", *port, "--cert", str(pair[0]), "--key", str(pair[1]))
        assert (taken["new"], taken["state"]) == (True, "trial")
        operator.wait(len(operator.messages) + 2, timeout=30)
    after = told("rotate", "identity", *port)
    assert (after["state"], after["reason"]) == ("idle", "confirmed")
    assert after["previous"] == before["active"] != after["active"]


def told(*arguments):
    """Run a command, and return its JSON."""
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_gateway_on_cpython(tmp_path, lab, newer):
    RotatingDevice(Device("cpython", tmp_path), lab, offers=OFFERS)
    program = tmp_path / "gateway.py"
    program.write_text(read("rotation/gateway.py", BEAT=1))
    with subprocess.Popen(
        [sys.executable, "-W", "error", str(program), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(DEVICE), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            rotates(lab, newer)
        finally:
            running.terminate()
            told, _ = running.communicate(timeout=10)
    hooks = [line.split()[0] for line in told.splitlines()]
    assert hooks[:3] == ["on_offer", "on_trial", "on_confirm"]
