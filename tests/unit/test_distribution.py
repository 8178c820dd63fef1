"""Fetching packages: what is taken from the machine's sources, and what happens without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rootlet.boardio import cache, distribution, umqtt
from rootlet.errors import BoardError, TrustError

if TYPE_CHECKING:
    from pathlib import Path

DEB822 = """\
# a comment
Types: deb deb-src
URIs: mirror+file:/mirrors.list
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Trusted: yes
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: https://third.example/apt
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main
"""


def silent(_done: int, _total: int, _what: str) -> None:
    pass


class TestSources:
    def test_deb822_changes_the_suite_and_drops_what_weakens_or_is_not_debian(self) -> None:
        (only,) = distribution.rewrite(distribution.parse_deb822(DEB822))
        assert only.splitlines() == [
            "Types: deb",
            "URIs: mirror+file:/mirrors.list",
            "Suites: trixie trixie-updates",
            "Components: main",
            "Signed-By: ",
            " -----BEGIN PGP PUBLIC KEY BLOCK-----",
            " .",
            " abc",
            "Targets: Packages",
        ]

    def test_another_architecture_is_read_from_the_suite_alone(self) -> None:
        text = "deb [arch=amd64] http://a.example/d bookworm bookworm-updates main"
        (only,) = distribution.rewrite(distribution.parse_one_line(text), "i386")
        assert "Suites: trixie" in only.splitlines()
        assert "Architectures: i386" in only.splitlines()

    def test_one_line_keeps_its_key_and_drops_trusted(self) -> None:
        text = "deb [trusted=yes signed-by=/k.gpg] http://a.example/d bookworm-security main # x\n"
        (only,) = distribution.rewrite(distribution.parse_one_line("# deb x y z\n" + text))
        assert "Suites: trixie-security" in only
        assert "Signed-By: /k.gpg" in only
        assert "rusted" not in only

    @pytest.mark.parametrize(
        ("suite", "becomes"),
        [
            ("bullseye", "trixie"),
            ("buster/updates", "trixie-security"),
            ("oldstable", "trixie"),
            ("stable", "stable"),
            ("forky-updates", "forky-updates"),
        ],
    )
    def test_suites_that_are_too_old_become_trixie(self, suite: str, becomes: str) -> None:
        entry = f"deb http://a.example/d {suite} main"
        (only,) = distribution.rewrite(distribution.parse_one_line(entry))
        assert f"Suites: {becomes}" in only.splitlines()

    @pytest.mark.parametrize("suite", ["noble", "bookworm-pgdg", "bookworm-backports", "./"])
    def test_other_suites_are_left_out(self, suite: str) -> None:
        entry = f"deb http://a.example/d {suite} main"
        assert not list(distribution.rewrite(distribution.parse_one_line(entry)))


class TestRefusals:
    def test_a_machine_without_apt_is_told_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(BoardError, match="cannot fetch micropython") as refused:
            distribution.unpack(["micropython"], tmp_path / "root", silent)
        assert refused.value.why == "this machine has no apt-get"
        assert "MicroPython 1.24" in refused.value.hint

    def test_an_unreachable_mirror_is_one_clear_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = f"deb file:{tmp_path}/no-mirror bookworm main"
        entries = distribution.parse_one_line(here)
        monkeypatch.setattr(distribution, "_machine_sources", lambda _folder: entries)
        with pytest.raises(BoardError, match="APT cannot fetch the package lists") as refused:
            distribution.unpack(["micropython"], tmp_path / "root", silent)
        assert "no-mirror" in refused.value.why
        assert "\n" not in refused.value.why

    def test_another_archive_under_the_same_name_is_refused(self, tmp_path: Path) -> None:
        archive = tmp_path / "micropython-umqtt.simple-1.3.4.tar.gz"
        archive.write_bytes(b"not what was pinned")
        with pytest.raises(TrustError, match="not the file that rootlet knows"):
            umqtt._read_module(archive)


class TestCache:
    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    @pytest.mark.parametrize("failure", [KeyboardInterrupt, BoardError("disk full")])
    def test_what_was_not_finished_is_never_taken_for_complete(
        self, failure: BaseException
    ) -> None:
        def fail(into: Path) -> None:
            (into / "half").touch()
            raise failure

        with pytest.raises((KeyboardInterrupt, BoardError)):
            cache.once("thing", fail)
        assert [path.name for path in cache.folder().iterdir()] == ["lock"]
        made = cache.once("thing", lambda into: (into / "whole").touch())
        assert [path.name for path in made.iterdir()] == ["whole"]

    def test_what_a_killed_process_left_is_cleared(self) -> None:
        left = cache.folder() / ".unfinished-thing-abc"
        left.mkdir(parents=True)
        cache.once("thing", lambda into: (into / "whole").touch())
        assert not left.exists()

    def test_it_is_made_once(self) -> None:
        made: list[Path] = []
        cache.once("thing", made.append)
        cache.once("thing", made.append)
        assert len(made) == 1
