"""Put six clients through the matrix and write docs/matrix.md: ``make matrix-table``.

It takes some three minutes. mosquitto_sub is taken from PATH, or from Debian's package, unpacked
into the cache; a client that cannot be had is named and left out.
"""

from __future__ import annotations

import platform
import shutil
import ssl
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rootlet import files, matrix
from rootlet.boardio import cache, distribution
from rootlet.boardio.virtual import VirtualBoard
from rootlet.errors import InputError, RootletError
from rootlet.lab import Lab, scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "examples" / "clients"
TIMEOUT = 3  # seconds for a step; only a server that says nothing takes all of it
OPENSSL = (
    "openssl s_client -connect {host}:{port} -servername {sni} -CAfile {cafile} -cert {cert} "
    "-key {key} -cipher {ciphers} -verify_return_error -verify_hostname {sni} -quiet"
)
MOSQUITTO = (
    " --proxy socks5h://{socks} -h {sni} -p {port} --cafile {cafile} --cert {cert} --key {key} "
    "--ciphers {ciphers} -t rootlet/matrix"
)
PAHO = " {host} {port} {sni} {cafile} {cert} {key} {ciphers}"
CELLS = {"passed": "ok", "failed": "fails", "dangerous": "**ACCEPTS**", "n/a": "n/a"}

HEAD = """\
# The matrix: six clients, every scenario

Which client does what in each scenario of [the lab](lab.md), an endpoint shaped like AWS IoT that
misbehaves on demand. What the lab saw decides: a client *accepts* when application data comes
after a completed handshake, whatever it says or exits with.

Written by `make matrix-table` ({script}) on {date}: Python {python}, {openssl}, broker {broker}.

- ok: it did what a correct client does: connected, or refused (with a right code, if it has any).
- fails: it did not connect where it must, or refused for another reason than the right one.
- **ACCEPTS**: it sent data to a server that it must refuse. `rootlet matrix` exits with 3.
- n/a: it cannot be judged: see below.
"""
WHY = """\
## Why n/a

A program that reports no code cannot be judged where no client gets through: all that a good one
does better is to say why. A script that takes no `{profile}` cannot be told which families to
offer. Run one yourself, and it says the reason on each line:

    rootlet matrix --port virtual
    rootlet matrix --port virtual --script examples/clients/umqtt_tutorial.py    # exits with 3
"""


class Entry(NamedTuple):
    """A client, the title of its column, and how it was started."""

    title: str
    client: matrix.Client
    command: str


def clients(stack: ExitStack) -> Iterator[Entry]:
    """Yield the clients that are there; name those that are not."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rootlet-")))
    port = stack.enter_context(VirtualBoard(folder)).port
    yield Entry("urootlet, MicroPython", matrix.Urootlet(port), "rootlet matrix --port virtual")
    yield Entry("urootlet, CPython", matrix.Gateway(), "rootlet matrix --port cpython")
    for title, program, rest in (
        ("openssl s_client", "openssl", OPENSSL.removeprefix("openssl")),
        ("mosquitto_sub", mosquitto_sub(), MOSQUITTO),
        ("paho, verified", f"{sys.executable} {CLIENTS / 'paho_verified.py'}", PAHO),
    ):
        try:
            shown = {"paho, verified": "python examples/clients/paho_verified.py"}
            name = shown.get(title, title.partition(" ")[0])
            yield Entry(title, matrix.Command(program + rest), f"{name}{rest}")
        except InputError as error:
            sys.stderr.write(f"left out: {error.what}, {error.hint}\n")
    script = CLIENTS / "umqtt_tutorial.py"
    yield Entry(
        "umqtt, CERT_NONE",
        matrix.Script(port, script.read_text(), script.name),
        f"rootlet matrix --port virtual --script {script.relative_to(ROOT)}",
    )


def mosquitto_sub() -> str:
    """Return the words that start mosquitto_sub: from PATH, or Debian's through its own loader."""
    found = shutil.which("mosquitto_sub")
    if found:
        return found

    def unpack(into: Path) -> None:
        distribution.unpack(("mosquitto-clients",), into, lambda *_: None)

    try:
        root = cache.once(f"mosquitto-clients-{distribution.SUITE}-1", unpack)
    except RootletError:
        return "mosquitto_sub"  # not there either: Command says so
    loader = next(root.glob("usr/lib/*/ld-linux*.so.*"))
    return f"{loader} --library-path {loader.parent} {root / 'usr/bin/mosquitto_sub'}"


def document(broker: str, ran: list[tuple[Entry, list[matrix.Result]]]) -> str:
    """Return the page."""
    head = HEAD.format(
        script=f"bench/{Path(__file__).name}",
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        python=platform.python_version(),
        openssl=ssl.OPENSSL_VERSION,
        broker=broker,
    )
    parts = [head, summary(ran), "## Every scenario\n", table(ran), failures(ran), WHY, how(ran)]
    return "\n".join(part for part in parts if part)


def summary(ran: list[tuple[Entry, list[matrix.Result]]]) -> str:
    """Return one row per client."""
    lines = ["| Client | ok | fails | accepts | n/a | what it does not check |", "|---" * 6 + "|"]
    for entry, results in ran:
        found = matrix.counts(results)
        missing = dict.fromkeys(
            "E-{}: {}".format(*matrix.unchecked(getattr(one.scenario.expect, "codes", ())))
            for one in results
            if one.verdict.outcome == "dangerous"
        )
        counted = " | ".join(str(found[one]) for one in ("passed", "failed", "dangerous", "n/a"))
        lines.append(f"| {entry.title} | {counted} | {'; '.join(missing)} |")
    return "\n".join(lines) + "\n"


def table(ran: list[tuple[Entry, list[matrix.Result]]]) -> str:
    """Return one row per scenario, one column per client."""
    titles = " | ".join(entry.title for entry, _ in ran)
    lines = [f"| Scenario | a correct client | {titles} |", "|---" * (len(ran) + 2) + "|"]
    for row in zip(*(results for _, results in ran), strict=True):
        codes = getattr(row[0].scenario.expect, "codes", ())
        must = "refuses: " + ", ".join(codes) if codes else "connects"
        cells = " | ".join(CELLS[one.verdict.outcome] for one in row)
        lines.append(f"| {row[0].scenario.name} | {must} | {cells} |")
    return "\n".join(lines) + "\n"


def failures(ran: list[tuple[Entry, list[matrix.Result]]]) -> str:
    """Return what was seen where a client failed, so that no result is without an explanation."""
    lines = [
        f"- {entry.title}, {one.scenario.name}: {one.verdict.why}"
        for entry, results in ran
        for one in results
        if one.verdict.outcome == "failed"
    ]
    return "\n".join(["## What failed, in the client's words or the lab's\n", *lines, ""]) * bool(
        lines
    )


def how(ran: list[tuple[Entry, list[matrix.Result]]]) -> str:
    """Return the command of each client."""
    return (
        "## How they were run\n\n"
        + "\n".join(f"- {entry.title}: `{entry.command}`" for entry, _ in ran)
        + "\n"
    )


def main() -> None:
    """Run everything and write the page."""
    ran = []
    with ExitStack() as stack:
        lab = stack.enter_context(Lab())
        for entry in clients(stack):
            with entry.client:
                results = list(matrix.run(lab, entry.client, scenarios.all(), timeout=TIMEOUT))
            sys.stderr.write(f"{entry.title}: {matrix.counts(results)}\n")
            ran.append((entry, results))
        text = document(lab.broker_kind, ran)
    files.write(ROOT / "docs" / "matrix.md", text.encode())


if __name__ == "__main__":
    main()
