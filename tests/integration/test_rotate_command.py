"""Trust keys on a virtual board, offers over its port, and what is said of them."""

import json
import os
import subprocess
import sys
import time

import pytest

from keyset_cases import Set, first
from rootlet import __version__, flash, identity, rotate
from rootlet.boardio import mpy
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.errors import BoardError, InputError, TrustError
from rotation_cases import KEYS, NEXT_KEYS, ROOTS, Release
from urootlet.bundle import Bundle

SETTINGS = identity.Settings("a1b2c3-ats.iot.eu-west-1.amazonaws.com", "pump-7")


#: Run on a board: it gets a package of 0.0.9 whose sources mip has copied, and no status.
AGED = """
with open("lib/urootlet/release.py", "w") as file:
    file.write("VERSION = '0.0.9'\\n")
with open("lib/urootlet/rotation.py", "w") as file:
    file.write("class Rotation:\\n store = None\\n")
"""


def quiet(*_):
    """Show no progress."""


def rootlet(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "rootlet", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def own(lab_pki):
    """The device's certificate and key."""
    issued = lab_pki.issue_identity("pump-7")
    return issued.cert_der, identity.read_key(issued.key_der, "key", issued.cert_der)


@pytest.fixture
def release(lab_pki):
    """Bundles of the fleet by their sequence."""
    return lambda sequence, **more: Release(lab_pki, sequence, **more).encode()


def names(board):
    """The flash as it is now: asking the board would interrupt it."""
    return board.flash_image.read_bytes()


class Bench:
    """A virtual board and the ways to flash it."""

    def __init__(self, board, own):
        self.board, self.own = board, own

    def flash(self, data, keys=b"", **how):
        files = flash.contents(data, SETTINGS, self.own[0], self.own[1], keys)
        return flash.flash(self.board.port, files, quiet, keys=keys, **how)

    def offer(self, data):
        return rotate.offer(self.board.port, data, "the offer")

    @property
    def status(self):
        return rotate.status(self.board.port)

    @property
    def roles(self):
        return {
            one["role"]: (one["slot"], one["bundle"]["sequence"])
            for one in self.status["slots"]
            if one["bundle"]
        }

    def files(self):
        with Remote(self.board.port) as remote:
            return remote.run("import os\nprint(sorted(os.listdir()))")


@pytest.fixture
def bench(tmp_path, own):
    with VirtualBoard(tmp_path / "board") as running:
        yield Bench(running, own)


class TestTrustKeys:
    def test_are_what_the_board_checks_offers_with(self, bench, release):
        report = bench.flash(release(1), KEYS)
        assert report.keys == 1
        assert mpy.FACTORY in report.written
        status = bench.status
        assert status["floor"] == [1, 1]
        assert status["signers"] == {"threshold": 1, "keys": 2}
        assert status["factory"]["sequence"] == 1
        assert bench.offer(release(2)).new

    def test_a_second_flash_writes_nothing(self, bench, release):
        bench.flash(release(1), KEYS)
        before = bench.board.flash_image.read_bytes()
        report = bench.flash(release(1), KEYS)
        assert (report.written, report.bytes_written) == ([], 0)
        assert bench.board.flash_image.read_bytes() == before

    def test_without_them_every_offer_is_refused(self, bench, release):
        assert bench.flash(release(1)).keys == 0
        with pytest.raises(TrustError) as caught:
            bench.offer(release(2))
        assert caught.value.code == "NOKEYS"
        assert "--trust-keys" in caught.value.hint

    def test_other_keys_need_a_reset(self, bench, release):
        bench.flash(release(1), KEYS)
        others = first(1, 3).encode()
        with pytest.raises(TrustError, match="another key set"):
            bench.flash(release(1, signer=3), others)
        assert bench.status["floor"] == [1, 1]
        bench.flash(release(1, signer=3), others, reset_trust=True)
        assert bench.offer(release(2, signer=3)).new
        with pytest.raises(TrustError):
            bench.offer(release(3))

    def test_never_go_over_a_network_port(self, bench, release):
        files = flash.contents(release(1), keys=KEYS)
        for how in ({"keys": KEYS}, {"reset_trust": True}):
            with pytest.raises(TrustError, match="local port only") as caught:
                flash.flash("rfc2217://127.0.0.1:1", files, quiet, **how)
            assert caught.value.code == "POLICY"

    @pytest.mark.parametrize(
        ("keys", "code"),
        [
            (Set(1, 2, (0, 1), (0,)).encode(), "SIGNATURE"),
            (first(1, 3).encode(), "SIGNATURE"),
            (Set(1, 1, (0,), (0,), target="valves").encode(), "TARGET"),
        ],
        ids=["not enough of them agree", "they did not sign the bundle", "of another fleet"],
    )
    def test_that_would_refuse_their_own_bundle_are_refused(self, release, keys, code):
        with pytest.raises(TrustError) as caught:
            flash.check_keys(release(1), keys, "keys-1.rlk")
        assert caught.value.code == code

    def test_of_a_later_version_may_be_the_first_of_a_board(self, bench, release):
        bench.flash(release(1, key_set=2, signer=1), NEXT_KEYS)
        assert bench.status["keys"] == 2
        assert bench.offer(release(2, key_set=2, signer=2)).new


class TestFlashingOverARotation:
    def test_a_bundle_below_the_floor_is_refused(self, bench, release):
        bench.flash(release(5), KEYS)
        with pytest.raises(TrustError) as caught:
            bench.flash(release(4), KEYS)
        assert caught.value.code == "SEQUENCE"
        assert bench.roles == {"active": ("ta", 5)}

    def test_one_below_a_waiting_revocation_is_refused_too(self, bench, release):
        bench.flash(release(1), KEYS)
        bench.offer(release(5, flags=2))
        with pytest.raises(TrustError) as caught:
            bench.flash(release(4), KEYS)
        assert caught.value.code == "SEQUENCE"
        assert bench.status["state"] == "revoke"

    def test_unless_the_trust_is_reset(self, bench, release):
        bench.flash(release(5), KEYS)
        bench.flash(release(4), KEYS, reset_trust=True)
        assert bench.status["floor"] == [1, 4]
        assert bench.roles == {"active": ("ta", 4)}
        assert "'tb'" not in bench.files()

    def test_a_newer_one_replaces_active_set_and_candidate(self, bench, release):
        bench.flash(release(1), KEYS)
        bench.offer(release(2))
        assert bench.roles == {"active": ("ta", 1), "candidate": ("tb", 2)}
        bench.flash(release(3), KEYS)
        status = bench.status
        assert (status["state"], status["floor"]) == ("idle", [1, 3])
        assert bench.roles["active"] == ("ta", 3)

    def test_the_same_one_leaves_a_candidate_alone(self, bench, release):
        bench.flash(release(1), KEYS)
        bench.offer(release(2))
        assert bench.flash(release(1), KEYS).written == []
        assert bench.roles["candidate"] == ("tb", 2)

    def test_one_that_retires_seals_older_sets_off(self, bench, release):
        bench.flash(release(1), KEYS)
        asks = "from urootlet import rotating; print(rotating().store.record.sealed)"
        for sequence, flags, sealed in ((2, 0, "False"), (3, 1, "True"), (4, 0, "True")):
            bench.flash(release(sequence, flags=flags), KEYS)
            with Remote(bench.board.port) as remote:
                assert remote.run(asks).strip() == sealed

    def test_an_unsigned_one_raises_nothing(self, bench, release):
        bench.flash(release(5), KEYS)
        unsigned = bytearray(release(6))
        found = Bundle(bytes(unsigned))
        at = 6 + len(found.target)
        unsigned[at : at + 6] = bytes(6)
        bench.flash(bytes(unsigned[: found.signed_end]))
        status = bench.status
        assert status["floor"] == [1, 5]
        assert bench.roles["active"] == ("ta", 0)
        with pytest.raises(TrustError):
            bench.offer(release(5))
        assert bench.offer(release(6)).new

    def test_one_that_strangers_signed_is_refused(self, bench, release):
        bench.flash(release(1), KEYS)
        with pytest.raises(TrustError) as caught:
            bench.flash(release(2, signer=3))
        assert caught.value.code == "SIGNATURE"
        assert bench.roles == {"active": ("ta", 1)}

    @pytest.mark.parametrize("after", [1, 700, 1400, 2500])
    def test_a_power_cut_leaves_a_usable_set_and_a_rerun_finishes(self, bench, release, after):
        bench.flash(release(1), KEYS)
        files = flash.contents(release(2), SETTINGS, *bench.own)

        def cut(done, _total, _path):
            if done >= after:
                bench.board.power_off()
                raise BoardError("unplugged")

        try:
            flash.flash(bench.board.port, files, cut)
        except BoardError:
            bench.board.power_on()
        assert bench.roles["active"][1] in (1, 2)
        bench.flash(release(2))
        assert bench.roles["active"] == ("ta", 2)
        assert bench.status["floor"] == [1, 2]


class TestOffers:
    def test_the_same_again_writes_nothing(self, bench, release):
        bench.flash(release(1), KEYS)
        assert bench.offer(release(2)) == rotate.Answer(True, "trial", False)
        before = bench.board.flash_image.read_bytes()
        assert bench.offer(release(2)) == rotate.Answer(False, "trial", False)
        assert bench.board.flash_image.read_bytes() == before

    def test_a_key_set_is_in_force_at_once_and_drops_what_waits(self, bench, release):
        bench.flash(release(1), KEYS)
        bench.offer(release(2))
        assert bench.offer(NEXT_KEYS).key_set
        status = bench.status
        assert status["keys"] == 2
        assert [one["role"] for one in status["slots"]] == ["active", ""]
        assert bench.offer(release(1, key_set=2, signer=2)).new

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"sequence": 1, "roots": ROOTS[:1]}, "SEQUENCE"),
            ({"sequence": 1002}, "SEQUENCE"),
            ({"signer": 3}, "SIGNATURE"),
            ({"target": "valves"}, "TARGET"),
        ],
        ids=["a number that was used", "a number too far", "a stranger's", "another fleet's"],
    )
    def test_what_the_board_refuses_changes_nothing(self, bench, release, change, code):
        bench.flash(release(1), KEYS)
        before = bench.board.flash_image.read_bytes()
        with pytest.raises(TrustError) as caught:
            bench.offer(release(**{"sequence": 2, **change}))
        assert caught.value.code == code
        assert caught.value.hint
        assert bench.board.flash_image.read_bytes() == before

    def test_a_file_that_is_no_bundle_never_reaches_the_board(self):
        with pytest.raises(InputError):
            rotate.offer("/dev/ttyNONE", b"-----BEGIN CERTIFICATE-----", "a.rlt")

    def test_a_board_without_the_device_package_is_told_apart(self, bench, release):
        with pytest.raises(BoardError, match="lacks the device package") as caught:
            bench.offer(release(2))
        assert "rootlet flash" in caught.value.hint

    def test_a_board_with_another_package_is_told_what_it_has(self, bench, release):
        bench.flash(release(1), KEYS)
        with Remote(bench.board.port) as remote:
            remote.run(AGED)
        for asked in (lambda: bench.offer(release(2)), lambda: bench.status):
            with pytest.raises(BoardError) as caught:
                asked()
            assert f"has device package 0.0.9, this rootlet needs {__version__}" in str(
                caught.value
            )
            assert caught.value.code == "FORMAT"
            assert f"rootlet flash --port {bench.board.port}" in caught.value.hint
        report = bench.flash(release(1), KEYS)
        assert report.replaced == "0.0.9"
        assert "lib/urootlet/rotation.py" in report.removed
        assert bench.offer(release(2)).new

    def test_the_board_runs_its_program_again_afterwards(self, bench, release):
        bench.flash(release(1), KEYS)
        with Remote(bench.board.port) as remote:
            # In two parts, so that the name is in the flash only when the program has run.
            program = 'open("it_ran_" + "again", "w").close()'
            remote.run(f"with open('main.py', 'w') as file: file.write({program!r})")
        bench.offer(release(2))
        deadline = time.monotonic() + 10
        while b"it_ran_again" not in names(bench.board) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert b"it_ran_again" in names(bench.board)


class TestTheCommands:
    def test_flash_offer_and_status(self, bench, release, tmp_path):
        for name, data in (
            ("keys-1.rlk", KEYS),
            ("1.rlt", release(1)),
            ("2.rlt", release(2)),
            ("stranger.rlt", release(3, signer=3)),
        ):
            (tmp_path / name).write_bytes(data)
        port = ("--port", bench.board.port)
        done = rootlet("flash", *port, tmp_path / "1.rlt")
        assert "no update keys (NOKEYS)" in done.stderr
        bench.flash(release(1))  # with the identity, which an offer is tried with
        done = rootlet("flash", *port, tmp_path / "1.rlt", "--trust-keys", tmp_path / "keys-1.rlk")
        assert done.returncode == 0, done.stderr
        assert "NOKEYS" not in done.stderr
        done = rootlet("rotate", "offer", *port, tmp_path / "2.rlt")
        assert done.returncode == 0, done.stderr
        assert "tries it with its next connection" in done.stdout
        done = rootlet("rotate", "offer", *port, tmp_path / "stranger.rlt")
        assert done.returncode == 3
        assert "E-SIGNATURE" in done.stderr
        done = rootlet("rotate", "status", *port)
        for words in ("ta", "candidate", "1.2", "trial", "version 1 for pumps, 1 of 2 keys"):
            assert words in done.stdout
        facts = dict(line.split("  ", 1) for line in done.stdout.splitlines()[-10:])
        assert {name: value.strip() for name, value in facts.items()} == {
            "state": "trial",
            "reason": "-",
            "attempts": "1 without a verdict",
            "floor": "1.1",
            "time floor": facts["time floor"].strip(),
            "next try": "-",
            "key set": "version 1 for pumps, 1 of 2 keys",
            "last bad": "-",
            "free": facts["free"].strip(),
            "wear": "2 writes of the record",  # the first, and that of the candidate
        }
        assert 0 < int(facts["free"].split()[0].replace(",", "")) < 1 << 22
        document = json.loads(rootlet("rotate", "status", *port, "--json").stdout)
        assert document["schema"] == "rootlet/rotation/1"
        assert document["slots"][1]["role"] == "candidate"
        assert (document["attempts"], document["writes"]) == (1, 2)

    def test_report_asks_the_board_for_its_bundle_and_state(self, bench, release, tmp_path):
        bench.flash(release(1), KEYS)
        page = tmp_path / "board.html"
        done = rootlet("report", "--port", bench.board.port, "--html", page, "--json")
        told = json.loads(done.stdout)
        assert told["bundle"]["bytes"] == len(release(1))
        assert told["bundle"]["sequence"] == 1
        assert told["rotation"]["floor"] == [1, 1]
        assert told["board"] == "virtual"
        assert "Rotation on the board" in page.read_text()

    def test_public_keys_alone_are_answered_with_the_command_that_makes_a_set(
        self, tmp_path, release
    ):
        (tmp_path / "a.pub.pem").write_text("-----BEGIN PUBLIC KEY-----")
        (tmp_path / "1.rlt").write_bytes(release(1))
        done = rootlet(
            "flash",
            "--port",
            os.devnull,
            tmp_path / "1.rlt",
            "--trust-keys",
            tmp_path / "a.pub.pem",
        )
        assert done.returncode == 2
        assert "rootlet key set -o keys-1.rlk" in done.stderr


class TestAnIdentity:
    def test_does_not_leave_this_computer(self, own):
        with pytest.raises(TrustError) as refused:
            rotate.identity("rfc2217://127.0.0.1:1", *own)
        assert refused.value.code == "POLICY"

    def test_is_two_files(self, tmp_path):
        done = rootlet("rotate", "identity", "--port", "none", "--cert", tmp_path / "a.crt")
        assert done.returncode == 2
        assert "belong together" in done.stderr
