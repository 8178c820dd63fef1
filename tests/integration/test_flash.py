"""Flashing a virtual board through the real mpremote: atomic, resumable, and only what changed."""

import hashlib
import json
import socket
import subprocess
import sys

import pytest

from flash_cases import bundle, silent_pty
from rootlet import flash, identity
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.errors import BoardError, TrustError
from rootlet.lab import Hierarchy

SETTINGS = identity.Settings("a1b2c3-ats.iot.eu-west-1.amazonaws.com", "pump-7")


@pytest.fixture(scope="session")
def contents():
    issued = Hierarchy.fresh().issue_identity("pump-7")
    key = identity.read_key(issued.key_der, "key", issued.cert_der)
    return flash.contents(bundle(), SETTINGS, issued.cert_der, key)


@pytest.fixture
def board(tmp_path):
    with VirtualBoard(tmp_path / "board") as running:
        yield running


def quiet(*_):
    """Show no progress."""


def mpremote(port, *command):
    return subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", port, *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def rootlet(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "rootlet", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def held(board, paths):
    with Remote(board.port) as remote:
        remote.snippet("files")
        return dict(zip(paths, remote.hashes(list(paths)), strict=True))


def hashes(contents):
    return {path: hashlib.sha256(data).hexdigest() for path, data in contents.items()}


class TestFlashing:
    def test_writes_everything_and_mpremote_sees_the_same_bytes(self, board, contents):
        report = flash.flash(board.port, contents, quiet)
        assert report.written == list(contents)
        assert report.bytes_written == sum(map(len, contents.values()))
        assert not report.missing
        listed = mpremote(board.port, "fs", "sha256sum", "ta", "cert.der")
        for path in ("ta", "cert.der"):
            assert hashlib.sha256(contents[path]).hexdigest() in listed
        assert ".new" not in mpremote(board.port, "fs", "tree")

    def test_a_second_time_writes_nothing(self, board, contents):
        flash.flash(board.port, contents, quiet)
        before = board.flash_image.read_bytes()
        report = flash.flash(board.port, contents, quiet)
        assert (report.written, report.bytes_written) == ([], 0)
        assert report.unchanged == list(contents)
        assert board.flash_image.read_bytes() == before

    def test_a_new_bundle_is_all_that_is_written(self, board, contents):
        flash.flash(board.port, contents, quiet)
        report = flash.flash(board.port, {**contents, "ta": bundle("rsa")}, quiet)
        assert report.written == ["ta"]

    def test_the_device_package_runs_there(self, board, contents):
        flash.flash(board.port, contents, quiet)
        with Remote(board.port) as remote:
            printed = remote.run(
                "from urootlet.bundle import Bundle\n"
                "print(len(Bundle(open('ta','rb').read()).anchors))"
            )
        assert printed.strip() == "2"

    def test_without_identity_the_report_says_what_is_missing(self, board):
        report = flash.flash(board.port, flash.contents(bundle()), quiet)
        assert report.missing == ["rootlet.json", "cert.der", "key.der"]

    def test_progress_ends_at_the_total(self, board, contents):
        seen = []
        flash.flash(board.port, contents, lambda done, total, _: seen.append((done, total)))
        total = sum(map(len, contents.values()))
        assert seen[-1] == (total, total)
        assert seen == sorted(seen)


class TestInterruption:
    # Half of them give up at once: waiting for a board that says nothing takes ten seconds.
    @pytest.mark.parametrize(("after", "waits"), [(1, False), (9000, True)])
    def test_a_power_cut_leaves_whole_files_and_a_rerun_finishes(
        self, board, contents, after, waits
    ):
        old = {**contents, "ta": bundle("rsa")}
        flash.flash(board.port, old, quiet)
        changed = {path: data + b" " for path, data in contents.items() if "mpy" in path}
        new = {**contents, **changed}

        def cut(done, _total, _path):
            if done >= after:
                board.power_off()
                if not waits:
                    raise BoardError("unplugged")

        with pytest.raises(BoardError):
            flash.flash(board.port, new, cut)
        board.power_on()
        allowed = (hashes(old), hashes(new))
        for path, digest in held(board, list(new)).items():
            assert digest in {one[path] for one in allowed}, path
        report = flash.flash(board.port, new, quiet)
        assert report.written
        assert held(board, list(new)) == hashes(new)

    def test_a_corrupted_transfer_replaces_nothing(self, board, contents, monkeypatch):
        flash.flash(board.port, contents, quiet)
        monkeypatch.setattr(hashlib, "sha256", _one_bit_off(hashlib.sha256, bundle("rsa")))
        with pytest.raises(BoardError, match="what arrived is not what was sent"):
            flash.flash(board.port, {**contents, "ta": bundle("rsa")}, quiet)
        monkeypatch.undo()
        assert held(board, ["ta", "ta.new"]) == {**hashes({"ta": contents["ta"]}), "ta.new": None}


def _one_bit_off(real, victim):
    """A SHA-256 that is wrong for one input: what the host expects then never arrives."""
    return lambda data=b"", **options: real(b"other" if data == victim else data, **options)


class TestRefusals:
    def test_a_full_file_system_is_refused_before_a_byte_is_written(self, board, contents):
        flash.flash(board.port, {"ta": bundle("rsa")}, quiet)
        with Remote(board.port) as remote:
            remote.run(
                "import os\nf=open('big','wb')\n"
                "for _ in range(os.statvfs('/')[3]-6): f.write(bytes(4096))\nf.close()"
            )
        with pytest.raises(BoardError, match="too full") as caught:
            flash.flash(board.port, contents, quiet)
        assert "bytes" in caught.value.why
        left = held(board, list(contents))
        assert {path for path, digest in left.items() if digest} == {"ta"}

    def test_an_unsigned_bundle_over_a_network_port_is_refused(self):
        with pytest.raises(TrustError, match="an unsigned bundle goes over a local port only"):
            flash.flash("rfc2217://127.0.0.1:1", flash.contents(bundle()), quiet)

    @pytest.mark.parametrize("name", ["key.der", "wifi.json"])
    def test_a_secret_over_a_network_port_is_refused(self, name):
        with pytest.raises(TrustError, match="local port only") as caught:
            flash.flash("socket://127.0.0.1:1", {name: b"secret"}, quiet)
        assert caught.value.code == "POLICY"

    def test_a_fat_file_system_and_old_bytecode_are_refused_with_the_reason(self):
        good = {"mpy": 6 | 0x0A00, "fs": "VfsLfs2"}
        flash.check_board("port", good)
        with pytest.raises(BoardError, match="FAT"):
            flash.check_board("port", {**good, "fs": "VfsFat"})
        with pytest.raises(BoardError, match="cannot load this bytecode"):
            flash.check_board("port", {**good, "mpy": 5})


class TestPorts:
    """Each is one line that names the port, and exit code 4."""

    def check(self, done, *words):
        assert done.returncode == 4, done.stderr
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) <= 3
        for word in words:
            assert word in done.stderr

    def test_a_port_that_is_not_there(self, tmp_path):
        (tmp_path / "a.rlt").write_bytes(bundle())
        done = rootlet("flash", "--port", "/dev/ttyNONE", tmp_path / "a.rlt")
        self.check(done, "/dev/ttyNONE: there is no such port", "rootlet board list")

    def test_a_port_that_another_program_has(self, board, tmp_path):
        (tmp_path / "a.rlt").write_bytes(bundle())
        with Remote(board.port):
            done = rootlet("flash", "--port", board.port, tmp_path / "a.rlt")
        self.check(done, board.port, "another program has it")

    def test_something_that_is_no_micropython(self, tmp_path):
        (tmp_path / "a.rlt").write_bytes(bundle())
        with silent_pty() as port:
            done = rootlet("flash", "--port", port, tmp_path / "a.rlt")
        self.check(done, port, "no MicroPython prompt", "E-REPL")

    def test_no_board_with_that_serial_number(self, tmp_path):
        (tmp_path / "a.rlt").write_bytes(bundle())
        done = rootlet("flash", "--port", "id:no-such-board", tmp_path / "a.rlt")
        self.check(done, "id:no-such-board", "rootlet board virtual")

    def test_a_network_port_that_nobody_serves(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            number = closed.getsockname()[1]
        with (
            pytest.raises(BoardError, match="cannot be opened"),
            Remote(f"socket://127.0.0.1:{number}"),
        ):
            pass


class TestTheCommand:
    def test_flashes_and_reports_as_json(self, board, tmp_path):
        issued = Hierarchy.fresh().issue_identity("pump-7")
        cert, key = issued.write(tmp_path)
        (tmp_path / "a.rlt").write_bytes(bundle())
        done = rootlet(
            "flash", "--port", board.port, tmp_path / "a.rlt", "--endpoint", SETTINGS.endpoint,
            "--thing", "pump-7", "--cert", cert, "--key", key, "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert document["schema"] == "rootlet/flash/2"
        (one,) = document["boards"]
        assert (one["port"], one["ok"], one["way"]) == (board.port, True, "prompt")
        assert "key.der" in one["written"]
        assert one["board"]["fs"] == "VfsLfs2"
        again = rootlet("flash", "--port", board.port, tmp_path / "a.rlt")
        assert again.stdout.strip() == f"{board.port}: up to date, nothing written"

    def test_half_an_identity_is_bad_usage(self, tmp_path):
        (tmp_path / "a.rlt").write_bytes(bundle())
        done = rootlet("flash", "--port", "auto", tmp_path / "a.rlt", "--thing", "pump-7")
        assert done.returncode == 2
        assert "go together" in done.stderr

    @pytest.mark.parametrize("size", [0, 10, 300])
    def test_a_truncated_bundle_never_reaches_a_port(self, tmp_path, size):
        (tmp_path / "a.rlt").write_bytes(bundle()[:size])
        done = rootlet("flash", "--port", "/dev/ttyNONE", tmp_path / "a.rlt")
        assert done.returncode == 2
        assert "a.rlt is not a bundle" in done.stderr

    def test_another_file_where_a_bundle_belongs(self, tmp_path):
        (tmp_path / "a.rlt").write_text("-----BEGIN CERTIFICATE-----")
        done = rootlet("flash", "--port", "/dev/ttyNONE", tmp_path / "a.rlt")
        assert done.returncode == 2
        assert "not a rootlet file" in done.stderr
