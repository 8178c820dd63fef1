"""What every command has in common: help, errors, exit codes, and quiet endings."""

import errno
import json
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.globals import resolve_color_default

from parsing import every_command, examples, help_of, parse
from rootlet.cli import COMMANDS, cli, main

FAST = {"COLUMNS": "100"}


def rootlet(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "rootlet", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **FAST, **options.pop("env", {})},
        **options,
    )


def error_of(done, status):
    """Return the words of an error, which fits three lines and has no traceback."""
    assert done.returncode == status, done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith(("error: ", "Usage: ")), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


class TestHelp:
    def test_alone_prints_help_and_exits_0(self):
        done = rootlet()
        assert done.returncode == 0
        for name in COMMANDS:
            assert f"\n  {name} " in done.stdout

    @pytest.mark.parametrize("path", dict(every_command()))
    def test_of_every_command_has_two_examples_of_itself_and_its_exit_codes(self, path):
        """And the examples parse: no option in them is gone."""
        told = help_of(path)
        found = examples(told)
        assert len([one for one in found if one.startswith(path)]) >= 2, told
        assert re.search(r"^  Exit codes: 0 ", told, re.MULTILINE)
        for one in found:
            parse(one)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_of_each_command_has_examples_or_commands_and_touches_nothing(self, name, tmp_path):
        home = tmp_path / "home"
        done = rootlet(name, "--help", env={"HOME": str(home)}, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Examples:" in done.stdout or "Commands:" in done.stdout
        assert "Exit codes:" in done.stdout or "Commands:" in done.stdout
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["aws certs", "board", "certs", "lab", "rotate"])
    def test_of_a_group_says_of_each_command_a_whole_sentence(self, name):
        done = rootlet(*name.split(), "--help", env={"COLUMNS": "80"})
        listed = done.stdout.split("Commands:")[1].split("Examples:")[0]
        assert "..." not in listed, listed
        assert max(map(len, listed.splitlines())) <= 80

    def test_start_up_loads_neither_certificates_nor_drawing(self):
        slow = ["cryptography", "rich", "mpremote", "amqtt", "serial", "paho"]
        code = f"import sys, rootlet.cli; print([m for m in sys.modules if m in {slow}])"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]", done.stderr


class TestBuild:
    def build(self, tmp_path, *arguments, **options):
        return rootlet("build", *arguments, "-o", tmp_path / "a.rlt", **options)

    def test_writes_the_bundle_and_says_what_it_covers(self, tmp_path):
        done = self.build(tmp_path, "--board", "esp32", "--keys", "ecc", "--created", 1790000000)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "a.rlt").stat().st_size == 298
        assert "amazon-root-ca-3" in done.stdout
        assert "add --with amazon-root-ca-4" in done.stdout

    @pytest.mark.parametrize(("name", "form"), [("a.pem", "pem"), ("a.H", "c"), ("a.rlt", "")])
    def test_a_name_of_another_kind_of_file_is_told(self, tmp_path, name, form):
        options = ("--board", "esp32", "--keys", "ecc", "-o", name)
        done = rootlet("build", *options, cwd=tmp_path)
        assert done.returncode == 0
        expected = f"rootlet export {name} --format {form} -o FILE\n" if form else ""
        assert done.stderr.endswith(expected)
        assert bool(form) == bool(done.stderr)

    def test_json_is_one_document(self, tmp_path):
        done = self.build(tmp_path, "--board", "esp32", "--keys", "both", "--json")
        document = json.loads(done.stdout)
        assert document["schema"] == "rootlet/build/1"
        assert [one["id"] for one in document["anchors"]] == [
            "amazon-root-ca-1",
            "amazon-root-ca-3",
        ]

    def test_says_when_it_is_to_be_replaced(self, tmp_path):
        done = self.build(
            tmp_path, "--board", "esp32", "--keys", "ecc", "--not-after", "2030-05-01"
        )
        assert done.returncode == 0, done.stderr
        shown = json.loads(rootlet("inspect", tmp_path / "a.rlt", "--json").stdout)
        assert shown["not_after"].startswith("2030-05-01")

    def test_an_inferred_day_is_marked_as_everywhere_else(self, tmp_path):
        (built, listed) = (
            self.build(tmp_path, "--board", "esp32", "--keys", "rsa").stdout,
            rootlet("certs", "list").stdout,
        )
        for told in (built, listed):
            assert re.search(r"^amazon-root-ca-1 .* ~2030-05-26 ", told, re.MULTILINE), told

    def test_source_date_epoch_makes_it_reproducible(self, tmp_path):
        made = []
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            env = {"SOURCE_DATE_EPOCH": "1790000000"}
            self.build(folder, "--board", "esp32", "--keys", "both", env=env, cwd=folder)
            made.append((folder / "a.rlt").read_bytes())
        assert made[0] == made[1]

    @pytest.mark.parametrize("stated", ["soon", "-1", "9" * 5000])
    def test_source_date_epoch_is_told_when_it_is_no_time(self, tmp_path, stated):
        done = self.build(
            tmp_path, "--board", "esp32", "--keys", "ecc", env={"SOURCE_DATE_EPOCH": stated}
        )
        assert "SOURCE_DATE_EPOCH is" in error_of(done, 2)

    @pytest.mark.parametrize(
        ("arguments", "status", "words"),
        [
            (("--board", "esp23", "--keys", "rsa"), 2, "esp32"),
            (("--board", "esp32", "--keys", "dsa"), 2, "dsa"),
            (("--board", "esp32", "--keys", "rsa", "--with", "starfeld"), 2, "starfield-g2"),
            (("--board", "virtual", "--keys", "rsa"), 3, "E-FAMILY"),
            (("--board", "linux-gateway", "--keys", "rsa", "--form", "tiny"), 3, "--form strict"),
            (("--board", "esp32", "--keys", "none", "--anchor", "no.pem"), 2, "no.pem"),
            (("--board", "esp32", "--keys", "rsa", "--created", "0"), 2, "1970 to 2106"),
            (("--board", "esp32", "--keys", "ecc", "--not-after", "1999-01-01"), 2, "be over"),
            (("--board", "esp32", "--keys", "ecc", "--not-after", "soon"), 2, "not a time"),
        ],
    )
    def test_refuses_and_writes_nothing(self, tmp_path, arguments, status, words):
        assert words in error_of(self.build(tmp_path, *arguments), status)
        assert list(tmp_path.iterdir()) == []

    def test_an_unreadable_pem_is_named(self, tmp_path):
        (tmp_path / "bad.pem").write_text(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        )
        done = self.build(
            tmp_path, "--board", "esp32", "--keys", "none", "--anchor", tmp_path / "bad.pem"
        )
        assert "bad.pem" in error_of(done, 2)
        assert not (tmp_path / "a.rlt").exists()

    def test_a_folder_that_is_not_there(self, tmp_path):
        done = self.build(tmp_path / "no", "--board", "esp32", "--keys", "rsa")
        assert "cannot be written" in error_of(done, 2)


class TestInspect:
    def test_reads_back_what_was_built(self, tmp_path):
        path = tmp_path / "a.rlt"
        rootlet("build", "--board", "esp32", "--keys", "both", "-o", path, "--target", "pumps")
        document = json.loads(rootlet("inspect", path, "--json").stdout)
        assert (document["target"], document["profile"]) == ("pumps", "both")
        assert {one["name"] for one in document["anchors"]} == {
            "amazon-root-ca-1",
            "amazon-root-ca-3",
        }
        told = rootlet("inspect", path).stdout
        assert "pumps" in told
        assert re.search(r"^not after +none$", told, re.MULTILINE)
        assert re.search(r"^revoke now +no$", told, re.MULTILINE)

    @pytest.mark.parametrize("content", [b"", b"RLT1", bytes(5000)])
    def test_another_file_is_one_line(self, tmp_path, content):
        (tmp_path / "a.rlt").write_bytes(content)
        assert "a.rlt" in error_of(rootlet("inspect", tmp_path / "a.rlt"), 2)


@pytest.mark.parametrize(("no_color", "colour"), [("1", False), ("", None)])
def test_no_color_is_obeyed(no_color, colour, monkeypatch):
    """https://no-color.org: set and not empty; told to click once, for every command."""
    seen = []
    command = click.command()(lambda: seen.append(resolve_color_default()))
    monkeypatch.setitem(COMMANDS, "probe", ("probe", ""))
    monkeypatch.setitem(sys.modules, "probe", SimpleNamespace(command=command))
    monkeypatch.setenv("NO_COLOR", no_color)
    cli.main(["probe"], standalone_mode=False)
    assert seen == [colour]


class TestEndings:
    def test_an_unknown_command_is_bad_usage(self):
        assert "No such command 'biuld'. Did you mean 'build'?" in error_of(rootlet("biuld"), 2)

    def test_an_unknown_command_that_is_like_no_other_gets_no_advice(self):
        assert error_of(rootlet("xyzzy"), 2).endswith("No such command 'xyzzy'.\n")

    @pytest.mark.parametrize(("file", "named"), [((), ""), (("a.rlt",), "a.rlt: ")])
    def test_a_disk_that_is_full_is_told_without_a_traceback(
        self, file, named, monkeypatch, capsys
    ):
        def full(**_options):
            raise OSError(errno.ENOSPC, "No space left on device", *file)

        monkeypatch.setattr(cli, "main", full)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        told = capsys.readouterr().err.splitlines()
        assert told[0] == f"error: {named}No space left on device"
        assert told[1].startswith(" hint: make room there")

    def test_a_reader_that_leaves_gets_no_traceback(self):
        command = f"{sys.executable} -m rootlet certs list --all | head -1"
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr == ""
        assert len(done.stdout.splitlines()) == 1

    @pytest.mark.parametrize(
        ("closed", "arguments", "status"),
        [
            (">&-", ["certs", "list"], 0),
            ("2>&-", ["inspect", "nowhere.rlt"], 2),
            ("<&-", ["aws", "certs", "delete", "0" * 64], 2),
        ],
    )
    def test_a_closed_stream_changes_no_exit_status(self, tmp_path, closed, arguments, status):
        line = f'exec "$@" {closed}'
        shell = ["sh", "-c", line, "sh", sys.executable, "-m", "rootlet", *arguments]
        done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize(
        ("encoding", "name", "shown"),
        [("utf-8", b"x\xff.rlt", "x\\udcff.rlt"), ("latin-1", "x€.rlt".encode(), "x\\u20ac.rlt")],
    )
    def test_a_name_that_the_terminal_lacks_is_no_failure(self, tmp_path, encoding, name, shown):
        words = ("build", "--board", "esp32", "--keys", "ecc", "-o", os.fsdecode(name))
        done = rootlet(*words, env={"PYTHONIOENCODING": encoding}, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert shown in done.stdout
        assert os.listdir(os.fsencode(tmp_path)) == [name]  # noqa: PTH208 - bytes

    def test_debug_shows_the_traceback(self):
        done = rootlet("--debug", "inspect", "no.rlt")
        assert "Traceback" in done.stderr
        assert "InputError" in done.stderr


def on_a_terminal(columns, *arguments):
    """Run a command on a terminal of so many columns; return the lines that it prints there."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    with os.fdopen(ours, "rb", buffering=0) as screen:
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        with subprocess.Popen(
            [sys.executable, "-m", "rootlet", *arguments],
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            env={**environment, "NO_COLOR": "1", "TERM": "xterm"},
        ):  # fmt: skip
            os.close(theirs)
            text = b""
            with suppress(OSError):  # EIO: nobody has it open any more
                while data := screen.read(65536):
                    text += data
    return text.decode().split("\r\n")


class TestNarrowTerminals:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("lab", "scenarios"),
            ("certs", "timeline"),
            ("certs", "list"),
            ("report",),
            ("report", "--help"),
        ],
        ids=" ".join,
    )
    def test_no_line_is_longer_and_no_column_a_letter_wide(self, arguments):
        lines = on_a_terminal(50, *arguments)
        assert len(lines) > 2
        told = [one for one in lines if not one.startswith((" hint: ", "    rootlet "))]
        assert [one for one in told if len(one) > 50] == []
        assert [one for one in told if len(one.strip()) == 1 and one.strip().isalpha()] == []

    def test_a_wide_one_gets_a_table(self):
        lines = on_a_terminal(100, "certs", "list")
        assert [one for one in lines if re.match(r"amazon-root-ca-1 +rsa-2048 ", one)]
        assert not re.search(r"\x1b\[[34]\d", "".join(lines))  # a colour


class TestCompletion:
    @pytest.mark.parametrize(
        ("typed", "offered"),
        [
            ("rootlet bui", {"build"}),
            ("rootlet build --key", {"--keys", "--key-set"}),
            ("rootlet build --board esp32s", {"esp32s2", "esp32s3"}),
            ("rootlet verify --board pico-w", {"pico-w"}),
            ("rootlet build --with starf", {"starfield-g2", "starfield-class-2"}),
            ("rootlet lab up --scenario lookalike-r", {"lookalike-root"}),
        ],
    )
    def test_tab_offers(self, typed, offered):
        done = subprocess.run(
            [Path(sys.executable).with_name("rootlet")],
            env={
                **os.environ,
                "_ROOTLET_COMPLETE": "bash_complete",
                "COMP_WORDS": typed,
                "COMP_CWORD": str(typed.count(" ")),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert {line.removeprefix("plain,") for line in done.stdout.split()} == offered
