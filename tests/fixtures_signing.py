"""A desk with test keys and the commands that sign, run in its folder."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rootlet.cli import cli
from signature_cases import KEYS, public_pem
from urootlet.bundle import Bundle
from urootlet.keyset import KeySet

if TYPE_CHECKING:
    from pathlib import Path

CREATED = "1790000000"
#: name on the desk -> number of the test key
NAMES = {"a": 0, "b": 1, "c": 2, "stranger": 9}


class Desk:
    """A folder with keys a, b and c, and the commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def fresh(cls, folder: Path) -> Desk:
        """Lay out each key as a private and a public half."""
        for name, number in NAMES.items():
            shutil.copy(KEYS / f"key-{number}.pem", folder / f"{name}.pem")
            (folder / f"{name}.pub.pem").write_bytes(public_pem(f"key-{number}"))
        return cls(folder)

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def run(self, *arguments: str, typed: str | None = None) -> str:
        """Run a command in the folder; words that name files are taken from there."""
        words = [self._word(word) for word in arguments]
        result = CliRunner().invoke(cli, words, input=typed, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    def _word(self, word: str) -> str:
        scheme, found, name = word.rpartition(":")
        ends = (".pem", ".rlk", ".rlt", ".tbs", ".sig")
        return f"{scheme}{found}{self.folder / name}" if name.endswith(ends) else word

    def json(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json"))
        return document

    def keys(self, output: str, *more: str, public: str = "abc", threshold: int = 2) -> None:
        """Make a key set of these keys."""
        named = [word for name in public for word in ("--key", f"{name}.pub.pem")]
        self.run("key", "set", "-o", output, "--threshold", str(threshold), *named, *more)

    def build(self, output: str, *more: str) -> None:
        self.run(
            *("build", "--board", "esp32", "--keys", "ecc", "--created", CREATED),
            *("-o", output, *more),
        )

    def bundle(self, name: str) -> Bundle:
        return Bundle((self / name).read_bytes())

    def key_set(self, name: str) -> KeySet:
        return KeySet((self / name).read_bytes())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with the keys a, b, c and a stranger's."""
    return Desk.fresh(tmp_path)


@pytest.fixture(scope="session")
def fleet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``fleet`` copies: a key costs 0.2 s to read, because it is checked."""
    desk = Desk.fresh(tmp_path_factory.mktemp("fleet"))
    desk.keys("keys-1.rlk", "--target", "pumps", "--sign", "a.pem", "--sign", "b.pem")
    return desk.folder


@pytest.fixture
def fleet(fleet_folder: Path, tmp_path: Path) -> Desk:
    """A desk with keys-1.rlk: 2 of a, b and c, signed by a and b."""
    shutil.copytree(fleet_folder, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path)
