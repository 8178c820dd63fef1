"""The matrix on real clients: what is right passes, and what checks less is caught."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rootlet import matrix, resources
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.lab import Lab, scenarios
from rootlet.matrix.board import FOLDER

TIMEOUT = 2  # seconds; a handshake takes 0.01, a stall takes all of it

CLIENTS = Path(__file__).parents[2] / "examples" / "clients"
PLACES = "{host} {port} {sni} {cafile} {cert} {key}"


@pytest.fixture(scope="module")
def site(lab_pki):
    """One lab for all tests here: a scenario puts back what it changes."""
    with Lab(pki=lab_pki, broker="amqtt") as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """One board for all tests here."""
    with VirtualBoard(tmp_path_factory.mktemp("matrix") / "board") as board:
        yield board


def put_through(site, client, *names, timeout=TIMEOUT):
    chosen = [scenarios.get(name) for name in names] or scenarios.all()
    with client:
        results = list(matrix.run(site, client, chosen, timeout=timeout))
    assert [each.scenario for each in results] == list(chosen)
    return results


def outcomes(results):
    return {each.scenario.name: each.verdict.outcome for each in results}


class TestUrootletPassesEveryScenario:
    def test_on_a_board(self, site, desk):
        results = put_through(site, matrix.Urootlet(desk.port))
        assert all_passed(results)
        assert nothing_left_on(desk)

    def test_on_cpython(self, site):
        assert all_passed(put_through(site, matrix.Gateway()))


def all_passed(results):
    wrong = [(r.scenario.name, r.verdict) for r in results if r.verdict.outcome != "passed"]
    assert not wrong
    return len(results) == len(scenarios.all()) > 40


def nothing_left_on(desk):
    with Remote(desk.port) as board:
        return FOLDER not in board.run("import os; print(os.listdir('/'))")


#: A check of urootlet -> (file, what stands there, what stands there without it, a scenario that
#: shows it, its outcome). Where a check is the TLS library's, what goes is where we ask for it.
WITHOUT: dict[str, dict[str, tuple[Any, ...]]] = {
    "micropython": {
        "the anchor, and the look at the path afterwards": (
            ("tls_mpy.py", "= tls.CERT_REQUIRED", "= tls.CERT_NONE"),
            ("anchors.py", 'raise Error("NOVERIFY', 'return b"" # Error("NOVERIFY'),
            "lookalike-root",
            "dangerous",
        ),
        "the anchor": (
            ("tls_mpy.py", "= tls.CERT_REQUIRED", "= tls.CERT_NONE"),
            "lookalike-root",
            "failed",
        ),
        "the hostname": (
            (
                "tls_mpy.py",
                "server_hostname=self.name",
                'server_hostname="localhost"',
            ),
            "honest",
            "failed",
        ),
        "SNI": (
            ("tls_mpy.py", ", server_hostname=self.name", ""),
            "honest",
            "failed",
        ),
        "the cipher profile": (
            ("tls_mpy.py", "suites(bundle.profile, ", "suites(3, "),
            "prefer-rsa",
            "failed",
        ),
        "the clock that dates are compared with": (
            ("clock.py", "def raise_to(floor", "def raise_to(_):\n    pass\ndef _gone(floor"),
            "honest",
            "failed",
        ),
    },
    "cpython": {
        "the anchor": (
            (
                "tls_cpython.py",
                "self._timeout = config.timeout",
                "self._timeout = 5; self.check_hostname = False; self.verify_mode = 0",
            ),
            "lookalike-root",
            "dangerous",
        ),
        "the hostname": (
            (
                "tls_cpython.py",
                "self._timeout = config.timeout",
                "self._timeout = config.timeout; self.check_hostname = False",
            ),
            "wrong-host",
            "dangerous",
        ),
        "dates": (
            (
                "tls_cpython.py",
                "self._timeout = config.timeout",
                "self._timeout = config.timeout; self.verify_flags = 0x200000",
            ),
            "expired-leaf",
            "dangerous",
        ),
        "SNI": (
            (
                "tls_cpython.py",
                "wrap_socket(sock, server_hostname=self._name)",
                "wrap_socket(sock)",
            ),
            "honest",
            "failed",
        ),
        "the cipher profile": (
            ("tls_cpython.py", "_offer(self, bundle.profile)", "_offer(self, 3)"),
            "prefer-rsa",
            "failed",
        ),
    },
}


@pytest.mark.parametrize(
    ("interpreter", "check"),
    [(interpreter, check) for interpreter, checks in WITHOUT.items() for check in checks],
)
def test_urootlet_without_a_check_is_caught(  # noqa: PLR0917 - pytest gives them by name
    interpreter, check, site, desk, tmp_path, monkeypatch
):
    *changes, scenario, outcome = WITHOUT[interpreter][check]
    package = shutil.copytree(resources.device_package(), tmp_path / "urootlet")
    for name, there, without in changes:
        source = (package / name).read_text()
        assert source.count(there) == 1, f"{name} has changed: {there}"
        (package / name).write_text(source.replace(there, without))
    monkeypatch.setattr(resources, "device_package", lambda: package)
    desk.power_off()  # the clock starts in 2000 again
    desk.power_on()
    client = matrix.Gateway() if interpreter == "cpython" else matrix.Urootlet(desk.port)
    (found,) = put_through(site, client, scenario)
    assert found.verdict.outcome == outcome, found.verdict


IMPOSTORS = ("lookalike-root", "wrong-root", "wrong-host", "expired-leaf")


def ssl_client(*flags):
    script = Path(__file__).parents[1] / "ssl_client.py"
    return matrix.Command(" ".join([sys.executable, str(script), PLACES, *flags]))


class TestAnotherClient:
    def test_that_verifies_passes(self, site):
        results = put_through(site, ssl_client(), "honest", "rsa-only", *IMPOSTORS)
        assert set(outcomes(results).values()) == {"passed"}

    def test_that_verifies_over_paho_passes(self, site):
        client = matrix.Command(f"{sys.executable} {CLIENTS / 'paho_verified.py'} {PLACES}")
        results = put_through(site, client, "honest", *IMPOSTORS)
        assert set(outcomes(results).values()) == {"passed"}

    def test_that_connects_by_name_goes_through_the_proxy(self, site):
        results = put_through(site, ssl_client("through={socks}"), "honest", *IMPOSTORS)
        assert set(outcomes(results).values()) == {"passed"}

    def test_that_does_not_verify_is_dangerous(self, site):
        results = put_through(site, ssl_client("anyone"), "honest", *IMPOSTORS, "connack-5")
        assert list(outcomes(results).values()) == ["passed", *["dangerous"] * 4, "n/a"]

    def test_that_never_comes_has_refused_nothing(self, site):
        client = matrix.Command("sh -c 'echo cannot; exit 1' {port}")
        found = put_through(site, client, "lookalike-root", "honest")
        assert set(outcomes(found).values()) == {"failed"}
        assert "cannot" in found[0].verdict.why

    def test_that_shows_no_certificate_has_proved_nothing(self, site):
        (found,) = put_through(site, ssl_client("anyone", "anonymous"), "lookalike-root")
        assert found.verdict == (
            "failed",
            "it went on without refusing, and showed no certificate",
        )

    def test_gets_no_shell(self, site, tmp_path):
        trap = tmp_path / "trap"
        client = matrix.Command(f"echo {{port}} ; touch {trap} && $(touch {trap})")
        put_through(site, client, "honest")
        assert not trap.exists()

    def test_that_never_ends_is_ended_with_all_that_it_started(self, site, tmp_path):
        script = tmp_path / "forks.sh"
        script.write_text(f"sleep 300 & echo $! > {tmp_path}/pid; trap '' TERM; wait; wait\n")
        put_through(site, matrix.Command(f"sh {script} {{port}}"), "honest", timeout=1)
        process = Path("/proc") / (tmp_path / "pid").read_text().strip()
        deadline = time.monotonic() + 5
        while process.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not process.exists()

    def test_on_a_board_that_verifies_nobody_is_named(self, desk):
        script = CLIENTS / "umqtt_tutorial.py"
        done = rootlet(
            *("--port", desk.port, "--script", script, "--timeout", TIMEOUT, "--json"),
            *("--scenario", "honest", "--scenario", "lookalike-root", "--scenario", "connack-5"),
        )
        assert done.returncode == 3, done.stderr
        told = json.loads(done.stdout)
        assert told["counts"] == {"passed": 1, "failed": 0, "dangerous": 1, "n/a": 1}
        assert told["findings"] == {
            "E-NOVERIFY: it does not verify the server's chain": ["lookalike-root"]
        }


class TestAScriptOnABoard:
    def test_that_fails_is_quoted(self, site, desk):
        client = matrix.Script(desk.port, "print('{name}')\nraise ValueError('mine')", "it.py")
        (found,) = put_through(site, client, "honest")
        assert found.verdict == ("failed", "it never came to the lab: ValueError: mine")

    @pytest.mark.parametrize("does", ["pass", "print('x' * 80)"])
    def test_that_never_ends_is_ended(self, site, desk, does):
        client = matrix.Script(desk.port, f"while True: {does}", "it.py")
        (found,) = put_through(site, client, "honest", timeout=1)
        assert found.verdict.outcome == "failed"
        assert nothing_left_on(desk)


class TestTheCommand:
    def test_prints_a_line_per_scenario_and_writes_junit(self, tmp_path):
        file = tmp_path / "matrix.xml"
        done = rootlet(
            *("--port", "cpython", "--scenario", "honest", "--scenario", "lookalike-root"),
            *("--junit", file),
        )
        assert done.returncode == 0, done.stderr
        first, *rows, _, last = done.stdout.splitlines()
        assert first.endswith(": 2 scenarios")
        assert [row.split()[:2] for row in rows] == [
            ["passed", "honest"],
            ["passed", "lookalike-root"],
        ]
        assert last.startswith("2 passed, 0 failed, 0 dangerous, 0 n/a; ")
        assert "\x1b" not in done.stdout
        assert 'name="lookalike-root"' in file.read_text()

    @pytest.mark.parametrize(
        "wrong",
        [
            (),
            ("--port", "cpython", "--client", "x {port}"),
            ("--client", "cat {port}", "--script", "x.py"),
            ("--port", "cpython", "--scenario", "no-such-scenario"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, wrong):
        done = rootlet(*wrong)
        assert done.returncode == 2
        assert "hint:" in done.stderr

    def test_interrupted_leaves_the_board_as_it_was(self, desk):
        command = [sys.executable, "-m", "rootlet", "matrix", "--port", desk.port]
        with subprocess.Popen(
            [*command, "--scenario", "honest", "--scenario", "stall-hello"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout
            while not running.stdout.readline().startswith("passed"):
                assert running.poll() is None
            time.sleep(1)  # the board waits for a server that says nothing
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=20)
        assert running.returncode == 130
        assert told.strip().endswith("interrupted")
        assert nothing_left_on(desk)


def rootlet(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "rootlet", "matrix", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
