"""Running ``rootlet probe`` and reading what it says."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

import peers
from rootlet.cli.probe import command
from rootlet.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterable


def probe(*arguments: object, raises: type[Exception] | None = None) -> tuple[str, Any]:
    """Run the command; return its words, and the error that it ends with."""
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    if raises is None:
        assert result.exception is None, result.exception
    else:
        assert isinstance(result.exception, raises), result.exception
    return result.stdout, result.exception


def document(
    *arguments: object, raises: type[Exception] | None = None
) -> tuple[list[dict[str, Any]], Any]:
    words, error = probe(*arguments, "--json", raises=raises)
    found = json.loads(words)
    assert found["schema"] == "rootlet/probe/1"
    return found["hosts"], error


def alone(port: int, *arguments: object) -> tuple[str, str]:
    """Probe a peer that shows nothing; return the code and the reason."""
    words, error = probe(f"127.0.0.1:{port}", *arguments, raises=NetworkError)
    assert words == f"127.0.0.1:{port}  E-{error.code}: {error.why}\n"
    return error.code, error.why


def every(served: Iterable[peers.Serve], *arguments: object) -> list[tuple[str, str]]:
    """Probe peers that show nothing, all at once; return the code and the reason of each."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(peers.peer(serve)) for serve in served]
        at = [f"127.0.0.1:{port}" for port in ports]
        found, _ = document(*at, *arguments, raises=NetworkError)
    assert [one["port"] for one in found] == ports
    return [(one["code"], one["reason"]) for one in found]
