"""A folder with a bundle in it, and ``rootlet export`` run there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from own_roots import bundle_of
from rootlet import catalog
from rootlet.cli import cli
from rootlet.errors import RootletError
from rootlet.export.anchors import Anchor, choose
from urootlet.bundle import Bundle

if TYPE_CHECKING:
    from pathlib import Path

CA1, CA3, SFG2 = "amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"
THREE = bundle_of(CA1, CA3, SFG2)
#: In the order of a bundle, which is that of the hashes.
ORIGINALS = [catalog.load().get(one).der for one in (CA3, SFG2, CA1)]


class Desk:
    """A folder with a bundle ``b.rlt``, and the command run on it."""

    def __init__(self, folder: Path, data: bytes = THREE) -> None:
        self.folder = folder
        self.output = folder / "out"
        (folder / "b.rlt").write_bytes(data)

    def run(self, name: str, *more: str, output: str = "out") -> str:
        """Export and return what was said on standard error."""
        words = [str(self.folder / one) if one.endswith((".pem", ".der")) else one for one in more]
        arguments = [str(self.folder / "b.rlt"), "--format", name, "-o", str(self.folder / output)]
        result = CliRunner().invoke(cli, ["export", *arguments, *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        self.said = result.stdout
        return result.stderr

    def refused(self, name: str, *more: str, output: str = "out") -> RootletError:
        before = sorted(path.name for path in self.folder.iterdir())
        with pytest.raises(RootletError) as caught:
            self.run(name, *more, output=output)
        assert sorted(path.name for path in self.folder.iterdir()) == before
        return caught.value

    @property
    def data(self) -> bytes:
        return self.output.read_bytes()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def anchors_of(data: bytes, form: str = "full") -> list[Anchor]:
    return choose(Bundle(data), form, [])
