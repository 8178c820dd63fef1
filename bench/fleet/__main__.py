"""``make bench-fleet``: runs of 100, 500 and 2,000 devices, one table, and how it grows.

``--sizes`` takes others. ``--write`` keeps fleet.json and fleet.svg beside this package and the
table in docs/footprint.md. ``--liars`` and ``--dead`` break devices, and then the run must fail.
Exit status: 0 every device is where it should be, 1 one is not, or nothing could be started, 2 for
options of no sense, 130 interrupted, 143 ended.
"""

from __future__ import annotations

import argparse
import signal
import sys

from fleet import report
from fleet.checks import faults
from fleet.children import MOST, SilentError
from fleet.release import Signers
from fleet.run import Plan, run
from rootlet.errors import RootletError

_LEAST = 10  # devices: each trouble takes one of its own


def show(what: str, done: int, total: int) -> None:
    """Show how far a run is, where somebody looks."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}: {done:,} of {total:,}")
        sys.stderr.flush()


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m fleet", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 500, 2_000], metavar="N")
    parser.add_argument("--most", type=int, default=MOST, help="devices of one process")
    parser.add_argument("--seed", type=int, default=Plan.seed, help="of links and reboots")
    parser.add_argument(
        "--minute", type=float, default=Plan.minute, help="seconds that a minute of the pace takes"
    )
    parser.add_argument("--timeout", type=int, default=Plan.timeout, help="of a device, seconds")
    parser.add_argument("--broker", choices=("auto", "mosquitto", "amqtt"), default="auto")
    parser.add_argument("--liars", type=int, default=0, help="devices that say they confirmed")
    parser.add_argument("--dead", type=int, default=0, help="devices that die in their trial")
    parser.add_argument("--write", action="store_true", help="keep the results")
    asked = parser.parse_args()
    if min(asked.sizes) < _LEAST + asked.liars + asked.dead or asked.most < 1 or asked.minute <= 0:
        parser.error(
            f"at least {_LEAST} devices beside those that lie or die, one of a process, and a "
            "pace above 0"
        )
    return asked


def main() -> int:
    """Run every size; return the exit status."""
    asked = vars(options())
    sizes, write = asked.pop("sizes"), asked.pop("write")
    signers, figures = Signers.fresh(), []
    for size in sizes:
        facts, made = run(Plan(size=size, **asked), signers, show)
        show("checking", size, size)
        figures.append(made)
        found = faults(facts)
        print("\n" if sys.stderr.isatty() else "", end="", file=sys.stderr)
        if found:
            print(report.faulty(found, size))
            return 1
        print(report.line(facts, made), flush=True)
    print(report.table(figures))
    if write:
        report.write(figures, facts)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or the folders would stay
    try:
        sys.exit(main())
    except (RootletError, SilentError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
