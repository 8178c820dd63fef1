"""The command line: parse, call, show. Only this package prints or exits.

A command is loaded when it is used: ``COMMANDS`` names each one with its module and the line
that ``rootlet --help`` shows, so that help and start-up import nothing else.
"""

from __future__ import annotations

import importlib
import io
import os
import sys

import click

from rootlet import __version__
from rootlet.errors import RootletError

#: name -> (module that holds ``command``, one line of help)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("rootlet.cli.demo", "Run the whole job on a virtual board and watch it."),
    "certs": ("rootlet.cli.certs", "Look at the trust anchors that rootlet knows."),
    "build": ("rootlet.cli.build", "Build the smallest trust bundle for a board."),
    "inspect": ("rootlet.cli.inspect", "Read a bundle back."),
    "diff": ("rootlet.cli.diff", "Compare two bundles."),
    "export": ("rootlet.cli.export", "Write a bundle's anchors in another system's format."),
    "verify": (
        "rootlet.cli.verify",
        "Tell whether a device with a bundle would accept a chain.",
    ),
    "advise": (
        "rootlet.cli.advise",
        "Find the smallest set of anchors for a board and a service.",
    ),
    "probe": ("rootlet.cli.probe", "Show which certificates a server sends to which client."),
    "trust": ("rootlet.cli.trust", "Look at the trust stores of this computer."),
    "audit": (
        "rootlet.cli.audit",
        "Find trust material in firmware and sources, and say whether it works.",
    ),
    "key": ("rootlet.cli.key", "Make and look at signing keys and key sets."),
    "sign": ("rootlet.cli.sign", "Add a signature to a bundle or key set."),
    "provision": (
        "rootlet.cli.provision",
        "Give a device its key, certificate and settings.",
    ),
    "flash": ("rootlet.cli.flash", "Put device code, bundle and identity on a board."),
    "doctor": ("rootlet.cli.doctor", "Find out why a board does not connect, and mend it."),
    "image": ("rootlet.cli.image", "Make the image of a board's file system without a board."),
    "rotate": (
        "rootlet.cli.rotate",
        "Offer a bundle to a board or roll it out to a fleet, and watch.",
    ),
    "report": (
        "rootlet.cli.report",
        "Write a page about the trust of a bundle, a board or a fleet.",
    ),
    "aws": ("rootlet.cli.aws", "Look after endpoint, certificates and policies in AWS IoT."),
    "matrix": ("rootlet.cli.matrix", "Put a board or client through every scenario of the lab."),
    "lab": ("rootlet.cli.lab", "Run an endpoint shaped like AWS that misbehaves on demand."),
    "board": ("rootlet.cli.board", "Look at boards, or start a virtual one."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        command.name = cmd_name  # each module calls it "command"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}.{_close_to(args[0])}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _close_to(name: str) -> str:
    import difflib  # noqa: PLC0415 - only after a typo

    close = difflib.get_close_matches(name, COMMANDS)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


@click.command(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    epilog="\b\nExamples:\n  rootlet demo\n  rootlet build --board esp32 --keys ecc -o ecc.rlt\n"
    "  rootlet doctor --port auto\n\n"
    "Exit codes: 0 done or yes, 1 failed, 2 bad input, 3 the answer is no, "
    "4 board or port, 5 network, 6 a rotation went back, 130 interrupted.",
)
@click.version_option(__version__, prog_name="rootlet")
@click.option("--debug", is_flag=True, help="Show the Python traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:  # noqa: ARG001 - read in main()
    """Give a small device exactly the TLS trust that it needs to talk to AWS."""
    if os.environ.get("NO_COLOR"):  # https://no-color.org; rich obeys it by itself
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _open_streams() -> None:
    """Give standard streams that the caller has closed a place, before a file takes theirs.

    And let what the terminal's encoding lacks be written in another way: a name of bytes that are
    no text, or a letter of somebody's CA, is no reason to fail once the work is done.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line and exit with its status."""
    _open_streams()
    debug = "--debug" in sys.argv[1:]
    try:
        status = cli.main(standalone_mode=False)
    except RootletError as error:
        if debug:
            raise
        from rootlet.cli import show  # noqa: PLC0415 - only to say it

        show.explain(error)
        status = error.exit_status
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        status = 130
    except BrokenPipeError:
        # The reader has gone (`rootlet ... | head`): leave without a word, and keep the
        # interpreter from trying to flush the closed pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except OSError as error:  # a disk that is full, a folder that is not ours
        if debug:
            raise
        from rootlet import files  # noqa: PLC0415 - only to say it
        from rootlet.cli import show  # noqa: PLC0415

        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{error.strerror or error}"
        show.explain(RootletError(what, hint=files.mend(error)))
        status = 1
    sys.exit(status if isinstance(status, int) else 0)
