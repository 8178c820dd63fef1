"""A fleet of one, from nothing to a rotation and one that stops itself: ``make demo-fleet``.

Real commands of rootlet against ministack, which answers as AWS IoT does; a virtual board runs
``device.py`` and connects there over mutual TLS. Each line was observed: by the service, by the
board, or by an operator who listens to what the board publishes. Nothing is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import sys
import tempfile
import time
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

import ministack_process
from rootlet import aws
from rootlet.boardio import micropython
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.cli import cli, show
from rootlet.demo.desk import Step, observe
from rootlet.errors import RootletError
from rootlet.lab import Hierarchy, Subscriber
from rootlet.lab.subscriber import ClientContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = Path(__file__).with_name("device.py")
THING, TARGET = "pump-7", "pumps"
#: Provisioned too, and asleep in a warehouse: nobody switches it on.
SLEEPER = "pump-8"
CANARY = ("--canary", f"thing/{THING}")
BOTH = (*CANARY, "--canary", f"thing/{SLEEPER}")
FLEET = ("--to", f"thing/{THING}", "--to", f"thing/{SLEEPER}")
GATE = "50"  # percent: of two things one is enough here
KEYS = ("--key-set", "keys-1.rlk")
ADD, SWITCH = "pumps-2.rlt", "pumps-3.rlt"
PATIENCE = 40.0  # seconds for what takes two on an idle machine
#: The environment of AWS's library; nothing of this computer's own settings counts.
_AWS = {
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "of-no-use",
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN")


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise RootletError("the demo did not show what it must", why=otherwise)


def rootlet(*words: str) -> str:
    """Run a command of rootlet and return what it prints; its error is raised."""
    result = CliRunner().invoke(cli, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    expect(result.exit_code == 0, f"rootlet {' '.join(words)}: {result.output}")
    return result.stdout


def told(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rootlet(*words, "--json"))
    return found


def refused(*words: str) -> RootletError:
    """Run a command that must be refused because a gate is closed, and return why."""
    try:
        rootlet(*words)
    except RootletError as error:
        expect(error.exit_status == 3, f"exit status {error.exit_status}: {error.what}")
        return error
    raise RootletError("the demo did not show what it must", why=f"{words} was not refused")


def until(what: str, look: Callable[[], Any]) -> Any:
    """Look until there is something to see; RootletError when that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        expect(time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(0.3)
    return found


class Fleet:
    """The steps, in an empty folder that is the current one."""

    def __init__(self, ports: ministack_process.Ports, board: VirtualBoard) -> None:
        self._ports, self._board = ports, board
        self._heard: Subscriber | None = None

    def steps(self) -> Iterator[Step]:
        yield observe("update keys, 2 of 2, and the first bundle", self._release)
        yield observe("rootlet provision --aws", self._provision)
        yield observe("rootlet flash, and the program of a fleet", self._flash)
        with self._operator() as self._heard:
            yield observe("the board connects over mutual TLS", self._publishes)
            yield observe("rootlet rotate plan", self._plan)
            yield observe("rootlet rotate start, canary first", self._start)
            yield observe("rootlet rotate status", self._confirmed)
            yield observe("the whole fleet", self._whole)
            yield observe("the next phase, whose roots do not work here", self._too_early)
            yield observe("the roll-out stops itself", self._aborted)
            yield observe("the board never left its working set", self._stays)
        yield observe("nobody else gets that bundle", self._gate)

    # What is there before a rotation.

    def _release(self) -> str:
        url = f"{self._url}/_ministack/iot/ca.pem"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - on loopback
            Path("ca.pem").write_bytes(answer.read())
        stranger = Hierarchy.fresh().anchor("amazon-root-ca-4")
        Path("stranger.pem").write_bytes(stranger.public_bytes(Encoding.PEM))
        for name in "ab":
            rootlet("key", "new", f"{name}.pem")
        public = ("--key", "a.pub.pem", "--key", "b.pub.pem", "--sign", "a.pem", "--sign", "b.pem")
        rootlet("key", "set", "-o", KEYS[1], "--target", TARGET, "--threshold", "2", *public)
        self._build("pumps-1.rlt", "ca.pem")
        return f"{Path('pumps-1.rlt').stat().st_size} bytes: ministack's own root, no other"

    def _build(self, name: str, *anchors: str, after: str = "") -> None:
        named = [word for one in anchors for word in ("--anchor", one)]
        follows = ("--after", after) if after else ()
        signed = (*KEYS, "--sign", "a.pem", "--sign", "b.pem", "--complete")
        base = (
            "build",
            "--board",
            "virtual",
            "--keys",
            "none",
            "--profile",
            "both",
            "--form",
            "full",
        )
        rootlet(*base, *named, *follows, *signed, "-o", name)

    def _provision(self) -> str:
        where = ("--address", "127.0.0.1", "--mqtt-port", str(self._ports.mqtt))
        scope = ("--policy", TARGET, "--topic", "{thing}/#")
        base = ("provision", "--aws", "--endpoint", "localhost", *where, *scope)
        made, _ = (told(*base, "--thing", one) for one in (THING, SLEEPER))
        listed = told("aws", "certs", "list")["certificates"]
        active = [one for one in listed if one["status"] == "ACTIVE"]
        expect(len(active) == 2, f"AWS IoT lists {listed}")
        return (
            f"thing {THING}, certificate {made['certificate_id'][:16]}, active; "
            f"policy {TARGET}: its own topics {THING}/# and its jobs, nothing else; "
            f"and {SLEEPER}, which sleeps"
        )

    def _flash(self) -> str:
        rootlet(
            *("flash", "--port", self._board.port, "pumps-1.rlt"),
            *("--device", THING, "--trust-keys", KEYS[1]),
        )
        program = PROGRAM.read_text().replace("BEAT = 10", "BEAT = 1")
        with Remote(self._board.port) as remote:
            remote.snippet("files")
            remote.put("main.py", program.encode(), lambda _: None)
            remote.restart()
        return f"bundle, key set, identity and examples/fleet/{PROGRAM.name} on a virtual board"

    def _operator(self) -> Subscriber:
        """Return somebody with a certificate of AWS IoT who listens to the board."""
        rootlet("aws", "certs", "create", "-o", "operator")
        context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
        context.server_name = "localhost"
        context.load_verify_locations("ca.pem")
        context.load_cert_chain("operator.crt", "operator.key")
        return Subscriber(("127.0.0.1", self._ports.mqtt), context, f"{THING}/level")

    # What the operator sees.

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._ports.http}"

    def _messages(self, more: int) -> int:
        """Wait for that many messages more of the board, and return how many there are."""
        heard = self._heard
        if heard is None:
            raise RuntimeError("nobody listens")
        return len(heard.wait(len(heard.messages) + more, timeout=PATIENCE))

    def _publishes(self) -> str:
        self._messages(2)
        return f"it publishes to {THING}/level, and an operator with another certificate hears it"

    def _plan(self) -> str:
        self._build("goal.rlt", "stranger.pem", after="pumps-1.rlt")
        two = ("pumps-1.rlt", "goal.rlt")
        made = told("rotate", "plan", *two, "--gate", GATE, "-o", "plan.json")
        names = [one["name"] for one in made["phases"]]
        expect(names == ["add", "switch", "retire"], f"the phases are {names}")
        return f"{', '.join(names)}; to a root that the service does not have yet"

    def _start(self) -> str:
        self._build(ADD, "ca.pem", "stranger.pem", after="pumps-1.rlt")
        error = refused("rotate", "start", "plan.json", ADD, *KEYS, *FLEET)
        started = told("rotate", "start", "plan.json", ADD, *KEYS, *CANARY)
        expect(started["new"], "the job was there before")
        return f"{started['job_id']}; before that, for all: {error.what}"

    def _job(self, wave: str, sequence: int) -> dict[str, Any]:
        """Return how the job of a wave stands."""
        jobs = told("rotate", "status", "--target", TARGET, "--all")["jobs"]
        wanted = (wave, sequence)
        return next(one for one in jobs if (one["wave"], one["sequence"]) == wanted)

    def _confirmed(self) -> str:
        until("a confirmed canary", lambda: self._job("canary", 2)["share"] == 1.0)
        expect(self._active() == _digest(ADD), "the shadow names another bundle")
        self._messages(2)
        return f"confirmed; {THING}'s shadow says so, and it publishes over the new set"

    def _whole(self) -> str:
        started = told("rotate", "start", "plan.json", ADD, *KEYS, *FLEET)
        job = until("a confirmed pump", lambda: self._some("fleet", 2))
        expect(job["unconfirmed"] == [SLEEPER], f"unconfirmed are {job['unconfirmed']}")
        return f"{started['job_id']}: {job['share']:.0%}; {SLEEPER} sleeps, its job waits"

    def _some(self, wave: str, sequence: int) -> Any:
        found = self._job(wave, sequence)
        return found if found["confirmed"] else None

    def _too_early(self) -> str:
        self._build(SWITCH, "stranger.pem", after=ADD)
        before = self._messages(1)
        started = told("rotate", "start", "plan.json", SWITCH, *KEYS, *BOTH)
        job = until("an end of the trial", lambda: self._ended("canary", 3))
        expect(job["reasons"] == {"FAILED parked": [THING]}, f"the reasons are {job['reasons']}")
        return (
            f"{started['job_id']}: tried alone, FAILED parked; "
            f"{self._messages(1) - before} messages since, over the old set"
        )

    def _ended(self, wave: str, sequence: int) -> Any:
        found = self._job(wave, sequence)
        return found if found["reasons"] else None

    def _aborted(self) -> str:
        job = until("a job that stops", lambda: self._job("canary", 3))
        expect(job["status"] == "CANCELED", f"the job is {job['status']}")
        expect(job["reason"].startswith("Abort criteria"), f"not by its criteria: {job['reason']}")
        expect(job["counts"] == {"FAILED": 1, "CANCELED": 1}, f"{job['counts']}")
        return f"{job['reason'].strip()} {SLEEPER} will never get it"

    def _stays(self) -> str:
        count = self._messages(3)
        expect(self._active() == _digest(ADD), "the shadow names another bundle")
        status = told("rotate", "status", "--port", self._board.port)
        expect(status["state"] == "parked", f"the board is {status['state']}")
        expect(status["floor"] == [1, 2], f"the board is at {status['floor']}")
        (active,) = [one["bundle"] for one in status["slots"] if one["role"] == "active"]
        expect(active["sha256"] == _digest(ADD), "another bundle is active on the board")
        return f"{count} messages in all; the board is at set 1.2, 1.3 waits: {status['reason']}"

    def _gate(self) -> str:
        error = refused("rotate", "start", "plan.json", SWITCH, *KEYS, *FLEET)
        return f"rotate start for the fleet, exit status 3: {error.what}"

    def _active(self) -> str:
        """Return the hash of the bundle that the board says is active, whole or its start."""
        account = aws.connect(region=_AWS["AWS_REGION"])
        found = account.data.call("GetThingShadow", thingName=THING, shadowName="rootlet")
        reported = json.load(found["payload"])["state"]["reported"]
        full = _digest(ADD)
        return full if reported.get("active") == full[:16] else str(reported.get("active"))


def _digest(path: str) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


@contextlib.contextmanager
def world() -> Iterator[Fleet]:
    """A service, a board that is not flashed, and an empty folder to work in; gone after."""
    with tempfile.TemporaryDirectory(prefix="rl-fleet-") as name:
        folder, desk = Path(name), Path(name) / "desk"
        desk.mkdir()
        with (
            ministack_process.running(folder) as ports,
            VirtualBoard(folder / "board", clock=time.time()) as board,
            contextlib.chdir(desk),
        ):
            for one in _FOREIGN:
                os.environ.pop(one, None)
            os.environ.update(_AWS, AWS_ENDPOINT_URL=f"http://127.0.0.1:{ports.http}")
            yield Fleet(ports, board)


def main() -> int:
    began, count = time.monotonic(), 0
    try:
        with show.progress("MicroPython") as progress:
            micropython.prepare(progress)
        with world() as fleet:
            for step in fleet.steps():
                show.step(step.what, step.seen, step.seconds)
                count += 1
    except RootletError as error:
        show.explain(error)
        return error.exit_status
    click.echo(f"all {count} steps observed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
