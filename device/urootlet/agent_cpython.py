"""The agent of a gateway: it stays connected, and keeps roots and certificate up to date."""

import argparse
import contextlib
import fcntl
import logging
import os
import random
import shlex
import signal
import socket
import sys
import time

from .errors import Error
from .jobs import Jobs
from .mqtt_cpython import RefusedError
from .renewal import Renewal
from .rotation import Rotation
from .signals_cpython import Stopped, stoppable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .csr_cpython import Renewer

DONE, BAD, NETWORK, WAITS, INTERRUPTED = 0, 2, 5, 6, 130
_FIRST_PAUSE, _LONGEST_PAUSE = 5, 300  # seconds between connections that fail
_TICK = 0.2  # seconds between looks at messages and work
_AT_ONCE = 100  # messages with one look, so that a flood does not keep other work from its turn
_CHECK = 300  # seconds between looks at what is not urgent
_LISTEN = 3  # seconds for a retained offer to arrive

_EPILOG = """\
The folder holds ta (the bundle), cert.der, key.der and rootlet.json, as on a board; for
rotations also factory.rlt (the same bundle) and factory.rlk (the key set).

exit status: 0 done, or stopped by SIGTERM; 2 the folder or an option is no use; 5 no connection
(with --once); 6 new roots or a new certificate wait for a better time (with --once); 130 SIGINT

examples:
  python -m urootlet --dir /var/lib/rootlet
  python -m urootlet --dir /var/lib/rootlet --once --verbose
  python -m urootlet --dir /var/lib/rootlet --renew /usr/local/lib/sign-certificate
"""

log = logging.getLogger("urootlet")


class Agent:
    """One device in ``folder``, connected until it is stopped."""

    def __init__(self, folder: str, *, jobs: bool) -> None:
        names = ("offer", "trial", "confirm", "revert", "parked", "expiring", "error")
        self._trust = Rotation(folder, {f"on_{name}": _told("roots", name) for name in names})
        config = self._trust.identity.config
        self.renewal = Renewal(
            self._trust, {f"on_{name}": _told("certificate", name) for name in names}
        )
        self.renewer: Renewer | None = None
        self._jobs, self._offers = jobs, config.offers
        self._new = False
        self._config = config

    @property
    def waits(self) -> bool:
        """Whether a candidate is there that has not worked yet."""
        return any(one.status()["state"] != "idle" for one in (self._trust, self.renewal))

    def run(self, *, once: bool) -> int:
        """Connect again and again, or with ``once`` until nothing is left to do."""
        pause = _FIRST_PAUSE
        renew = once
        while True:
            try:
                again = self._session(once=once, renew=renew)
                pause = _FIRST_PAUSE
                renew = once
                if once and not again:
                    return WAITS if self.waits else DONE
            except (Error, OSError, RefusedError) as error:
                log.warning("%s", error)
                if isinstance(error, Error):
                    log.info("%s", error.advice)
                if once:
                    return NETWORK
                notify(f"STATUS={error}")
                self._rest(random.uniform(pause, 2 * pause))  # noqa: S311 - a fleet's spread
                renew = True  # the old certificate may be what is wrong
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _session(self, *, once: bool, renew: bool) -> bool:
        """Serve one connection; tell whether to connect again at once."""
        if renew and self.renewer is not None:
            self.renewer.try_renew()
        client = self.renewal.connect()
        try:
            told = client.session
            log.info("connected as %s: %s, %s", self._config.thing, told.protocol, told.suite)
            notify("READY=1\nSTATUS=connected")
            jobs = Jobs(self._trust, client if self._jobs else None, self._heard)
            self._new = False
            if self._offers:
                client.set_callback(jobs.heard)
                client.subscribe(self._offers, 1)
            return self._tend() or self._listen(client, jobs, once=once)
        finally:
            client.disconnect()

    def _listen(self, client: "Any", jobs: Jobs, *, once: bool) -> bool:
        """Take messages until a candidate is to be tried, or with ``once`` all is done."""
        work: "Callable[[], Any]" = jobs.poll if self._jobs else client.check_msg
        started = checked = time.monotonic()
        while True:
            for _ in range(_AT_ONCE):
                work()
                if self._new or jobs.ready:
                    return True
                if not client.waiting:
                    break
            now = time.monotonic()
            listens = self._offers and now < started + _LISTEN
            if once and not listens and not (self._jobs and jobs.busy):
                return False
            if now > checked + _CHECK:
                checked = now
                if self._tend() or self.renewal.ready:
                    return True
            self._rest(_TICK)

    def _heard(self, topic: bytes, message: bytes) -> None:
        if topic.decode() == self._offers:
            self._new = self._trust.try_offer(message) or self._new

    def _tend(self) -> bool:
        """Retire and renew what is due; tell whether there is a new certificate to connect with.

        The connection stays, and the old certificate serves, however often that fails.
        """
        if self.renewer is None:
            return False
        self.renewer.try_retire()
        return self.renewer.try_renew()

    @staticmethod
    def _rest(seconds: float) -> None:
        notify("WATCHDOG=1")
        time.sleep(seconds)


def notify(text: str) -> None:
    """Tell systemd, if it has started this process as ``Type=notify`` (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(text.encode(), path.replace("@", "\0", 1) if path[0] == "@" else path)


def _told(what: str, name: str) -> "Callable[..., None]":
    """Return a hook that logs: no bundle and no certificate, only words and numbers."""

    def hook(*details: "Any") -> None:
        words = [str(one) for one in details if isinstance(one, (str, int, Error))]
        words += [f"sequence {one.sequence}" for one in details if hasattr(one, "sequence")]
        level = logging.WARNING if name in ("revert", "parked", "expiring") else logging.INFO
        log.log(level, "%s", " ".join([what, name, *words]))

    return hook


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m urootlet",
        description="Stay connected to AWS IoT or another broker, and take newer roots and jobs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--dir",
        default=os.environ.get("STATE_DIRECTORY", "."),
        help="the device's folder (default: $STATE_DIRECTORY of systemd, or this folder)",
    )
    parser.add_argument("--once", action="store_true", help="do what is to do, then end")
    parser.add_argument("--no-jobs", action="store_true", help="for brokers that are not AWS IoT")
    parser.add_argument(
        "--renew",
        metavar="PROGRAM",
        type=shlex.split,
        help="signs a new certificate when the old one ends soon",
    )
    parser.add_argument(
        "--renew-days", type=int, default=30, metavar="N", help="how soon that is (default: 30)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log more than warnings")
    return parser


def _locked(folder: str) -> "Any":
    """Hold the folder: two agents would be one client id, and write the same files."""
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return held


def _no_use(why: str, hint: str = "\n hint: --help says what the folder holds") -> int:
    log.error("%s%s", why, hint)
    return BAD


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run the agent; return its exit status. From then on this process ignores the signals."""
    options = _parser().parse_args(arguments)
    level = logging.INFO if options.verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(name)s: %(message)s")
    try:
        return stoppable(lambda: _run(options))
    except Stopped as stopped:
        notify("STOPPING=1")
        return INTERRUPTED if stopped.args[0] == signal.SIGINT else DONE


def _run(options: argparse.Namespace) -> int:
    folder = options.dir.rstrip("/") + "/"
    try:
        held = _locked(folder)
    except BlockingIOError:
        return _no_use(f"{folder}: another agent is at work there", hint="")
    except OSError as error:
        return _no_use(f"{folder}: {error.strerror}")
    try:
        agent = Agent(folder, jobs=not options.no_jobs)
        if options.renew:
            from .csr_cpython import Renewer

            agent.renewer = Renewer(agent.renewal, options.renew, options.renew_days)
    except OSError as error:
        return _no_use(f"{error}")
    except Error as error:
        return _no_use(f"{error}: {error.advice}")
    else:
        return agent.run(once=options.once)
    finally:
        os.close(held)
