"""``rootlet matrix``."""

from __future__ import annotations

import shutil
import sys
import tempfile
import textwrap
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files
from rootlet.cli import complete, show
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rootlet.lab.scenarios import Scenario
    from rootlet.matrix import Client, Result

_COLOURS = {"passed": "green", "failed": "red", "dangerous": "magenta", "n/a": "bright_black"}
_OUTCOME, _NAME = 11, 29  # columns
_MAX_SCRIPT = 1 << 16  # bytes


@click.command(
    epilog="""\b
Examples:
  rootlet matrix --port virtual
  rootlet matrix --port /dev/ttyUSB0 --bind 192.168.1.20 --junit matrix.xml
  rootlet matrix --port cpython --scenario honest --scenario lookalike-root
  rootlet matrix --port /dev/ttyUSB0 --script my_mqtt.py
  rootlet matrix --client 'openssl s_client -connect {host}:{port} -servername {sni}
      -CAfile {cafile} -cert {cert} -key {key} -verify_return_error
      -verify_hostname {sni} -quiet'

Exit codes: 0 all passed, 1 one failed, 2 bad input, 3 one was dangerous (it accepted what
must be refused), 4 board or port, 5 the lab cannot start, 130 interrupted.
"""
)
@click.option(
    "--port", envvar="ROOTLET_PORT", help="A board's port, or: virtual, or: cpython (this Python)."
)
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    help="Run this MicroPython program on the board instead of ours; {host}, {port}, {name}, "
    "{folder}, {anchors} and {profile} in it are replaced.",
)
@click.option("--client", "template", help="Run this command instead of a board; see below.")
@click.option(
    "--scenario",
    "names",
    multiple=True,
    shell_complete=complete.scenarios,
    help="Only this one; may be repeated.",
)
@click.option("--junit", type=click.Path(path_type=Path), help="Write a JUnit file.")
@click.option(
    "--bind",
    default="127.0.0.1",
    show_default=True,
    help="Address of this computer that the board can reach.",
)
@click.option(
    "--timeout",
    default=8,
    show_default=True,
    type=click.IntRange(1, 300),
    help="Seconds for one step of a connection.",
)
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    port: str | None,
    script: Path | None,
    template: str | None,
    names: tuple[str, ...],
    junit: Path | None,
    bind: str,
    timeout: int,
    json_output: bool,
) -> int:
    """Put a board or client through every scenario of the lab.

    The lab is an endpoint shaped like AWS IoT that misbehaves on demand. A scenario passes when
    the client does what a correct one does; it is dangerous when the client accepts what must
    be refused. What the lab saw decides, not what the client says of itself.
    """
    from rootlet import matrix  # noqa: PLC0415 - help must not load the lab
    from rootlet.lab import Lab, scenarios  # noqa: PLC0415

    chosen = [scenarios.get(name) for name in names] or scenarios.all()
    began = time.monotonic()
    results: list[Result] = []
    with ExitStack() as stack:
        client = _client(stack, port, script, template)
        with show.progress("matrix") as progress:
            progress(0, len(chosen), "bringing the client up to date")
            lab = stack.enter_context(Lab(bind=bind))
            stack.enter_context(client)
        if not json_output:
            click.echo(f"{client.name}: {len(chosen)} scenarios")
        with _table(len(chosen), quiet=json_output) as show_row:
            show_row(None, chosen[0])
            for result in matrix.run(lab, client, chosen, timeout=timeout):
                results.append(result)
                following = chosen[len(results)] if len(results) < len(chosen) else None
                show_row(result, following)
        properties = {"client": client.name, **client.properties(), "broker": lab.broker_kind}
    if junit:
        from rootlet.matrix import junit as form  # noqa: PLC0415 - only when asked for

        files.write(junit, form.document(client.name, properties, results))
    if json_output:
        show.as_json("matrix/1", _document(properties, results))
    else:
        _summary(results, time.monotonic() - began)
    return matrix.status(results)


def _client(
    stack: ExitStack, port: str | None, script: Path | None, template: str | None
) -> Client:
    from rootlet import matrix  # noqa: PLC0415 - help must not load it

    if (port is None) == (template is None) or (script and (not port or port == "cpython")):
        raise InputError(
            "say what to put through the matrix",
            why="either a board (--port, with --script if you like) or a command (--client)",
            hint="rootlet matrix --port virtual",
        )
    if template is not None:
        return matrix.Command(template)
    if port == "cpython":
        return matrix.Gateway()
    place = _virtual(stack) if port == "virtual" else str(port)
    if script is None:
        return matrix.Urootlet(place)
    source = files.read(script, _MAX_SCRIPT).decode(errors="replace")
    return matrix.Script(place, source, script.name)


def _virtual(stack: ExitStack) -> str:
    from rootlet.boardio import micropython  # noqa: PLC0415 - only for a virtual board
    from rootlet.boardio.virtual import VirtualBoard  # noqa: PLC0415

    with show.progress("MicroPython") as progress:
        interpreter = micropython.prepare(progress)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rootlet-")))
    return stack.enter_context(VirtualBoard(folder, interpreter=interpreter)).port


@contextmanager
def _table(
    total: int, *, quiet: bool
) -> Iterator[Callable[[Result | None, type[Scenario] | None], None]]:
    """Print a line per result as it comes; below them, on a terminal, what is running now."""
    with show.progress("matrix") as progress:
        done = 0

        def row(result: Result | None, running: type[Scenario] | None) -> None:
            nonlocal done
            if result is not None:
                done += 1
                if not quiet:
                    _print(result)
            progress(done, total, running.name if running else "done")

        yield row


def _print(result: Result) -> None:
    outcome = result.verdict.outcome
    word = outcome if outcome in ("passed", "n/a") else outcome.upper()
    label = click.style(f"{word:<{_OUTCOME}}", fg=_COLOURS[outcome])
    room = _width() - _OUTCOME - _NAME
    lines = textwrap.wrap(_seen(result), max(room, 20), break_on_hyphens=False) or [""]
    gap = "\n" + " " * (_OUTCOME + _NAME)
    show.above_the_bar(f"{label}{result.scenario.name:<{_NAME}}{gap.join(lines)}")


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _seen(result: Result) -> str:
    """Return what was seen, and where it was wrong also what was wanted."""
    if result.verdict.outcome in ("passed", "n/a"):
        return result.verdict.why
    codes = getattr(result.scenario.expect, "codes", ())
    must = "must be refused: " + " or ".join(f"E-{c}" for c in codes) if codes else "must connect"
    return f"{result.verdict.why}; {must}"


def _summary(results: Sequence[Result], seconds: float) -> None:
    from rootlet import matrix  # noqa: PLC0415 - help must not load it

    click.echo()
    for words, names in _findings(results).items():
        click.echo(click.style(words, fg=_COLOURS["dangerous"]) + f": {', '.join(names)}")
    found = ", ".join(
        click.style(f"{n} {outcome}", fg=_COLOURS[outcome] if n else None)
        for outcome, n in matrix.counts(results).items()
    )
    click.echo(f"{found}; {seconds:.0f} s")


def _findings(results: Sequence[Result]) -> dict[str, list[str]]:
    """Return what the client does not check -> the scenarios that show it."""
    from rootlet import matrix  # noqa: PLC0415 - help must not load it

    found: dict[str, list[str]] = {}
    for result in results:
        if result.verdict.outcome == "dangerous":
            code, words = matrix.unchecked(getattr(result.scenario.expect, "codes", ()))
            found.setdefault(f"E-{code}: {words}", []).append(result.scenario.name)
    return found


def _document(properties: dict[str, str], results: Sequence[Result]) -> dict[str, Any]:
    from rootlet import matrix  # noqa: PLC0415 - help must not load it

    return {
        "client": properties,
        "counts": matrix.counts(results),
        "findings": _findings(results),
        "results": [
            {
                "scenario": result.scenario.name,
                "summary": result.scenario.summary(),
                "expect": list(getattr(result.scenario.expect, "codes", ())) or "accept",
                "outcome": result.verdict.outcome,
                "seen": result.verdict.why,
                "seconds": round(result.seconds, 2),
            }
            for result in results
        ],
    }
