"""Images without a board: for one device, with firmware, for many devices."""

import json
import os
import stat

import pytest
from click.testing import CliRunner

from rom_loader import firmware, table
from rootlet import board, flash, identity, image
from rootlet import firmware as images
from rootlet.boardio import littlefs
from rootlet.build import Request, build
from rootlet.cli.image import command
from rootlet.errors import BoardError, InputError, TrustError
from rootlet.lab import Hierarchy
from rootlet.partitions import Partition

TABLE = table(("nvs", 1, 2, 0x9000, 0x6000), ("factory", 0, 0, 0x10000, 0xB0000))
FIRMWARE = firmware(0, 0x1000, b"v1.26.1", TABLE)
SIZE = 64 * 4096
PLACE = Partition("vfs", 1, 0x81, 0, SIZE)
COMMON = {"lib/urootlet/a.mpy": bytes(5000), "ta": b"bundle"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "a.rlt"
    path.write_bytes(build(Request(board.load("esp32"), "both", 1_790_000_000)).data)
    return path


@pytest.fixture(scope="module")
def devices(tmp_path_factory):
    """Three device folders, one of them without its certificate."""
    top = tmp_path_factory.mktemp("devices")
    pki = Hierarchy.fresh()
    for name in ("pump-1", "pump-2", "pump-3"):
        issued = pki.issue_identity(name)
        key = identity.read_key(issued.key_der, "key", issued.cert_der)
        settings = identity.Settings("a1b2c3-ats.iot.eu-west-1.amazonaws.com", name).encode()
        (top / name).mkdir()
        for path, data in zip(flash.IDENTITY, (settings, issued.cert_der, key), strict=True):
            (top / name / path).write_bytes(data)
    (top / "pump-3" / "cert.der").unlink()
    return top


def run(*arguments):
    return CliRunner().invoke(command, [str(one) for one in arguments], standalone_mode=False)


class TestLittlefs:
    def test_what_goes_in_comes_out(self):
        made = littlefs.add(littlefs.empty(SIZE), COMMON, ("empty/in",))
        found = littlefs.read(made)
        assert found.files == COMMON
        assert set(found.folders) == {"empty", "empty/in", "lib", "lib/urootlet"}

    def test_a_damaged_or_blank_image_is_never_formatted(self):
        blank = b"\xff" * SIZE
        for data in (blank, bytes(SIZE)):
            with pytest.raises(BoardError, match="no littlefs"):
                littlefs.read(data)
        assert blank == b"\xff" * SIZE

    def test_files_that_do_not_fit_are_refused_with_both_sizes(self):
        with pytest.raises(BoardError, match="do not fit") as caught:
            littlefs.add(littlefs.empty(SIZE), {"big": bytes(SIZE)})
        assert str(SIZE) in caught.value.why


class TestMaking:
    def test_files_that_do_not_fit_are_a_no_in_the_common_part_and_in_a_device_s_own(self):
        big = {"big": bytes(SIZE)}
        with pytest.raises(TrustError, match="do not fit") as common:
            image.Maker(big, PLACE)
        with pytest.raises(TrustError, match="do not fit"):
            image.Maker(COMMON, PLACE).make(big)
        assert common.value.exit_status == 3

    def test_the_same_files_give_the_same_bytes(self):
        own = {"key.der": b"k"}
        assert image.Maker(COMMON, PLACE).make(own) == image.Maker(COMMON, PLACE).make(own)

    def test_devices_share_the_common_part_and_nothing_else(self):
        maker = image.Maker(COMMON, PLACE)
        one, two = maker.make({"key.der": b"one"}), maker.make({"key.der": b"two"})
        assert littlefs.read(one).files == COMMON | {"key.der": b"one"}
        assert littlefs.read(two).files == COMMON | {"key.der": b"two"}

    @pytest.mark.parametrize("size", [0, 4096, SIZE + 1, 1 << 30])
    def test_a_size_that_no_file_system_has(self, size):
        with pytest.raises(InputError, match="not possible"):
            image.Maker(COMMON, Partition("vfs", 1, 0x81, 0, size))

    def test_a_merged_file_is_the_flash_from_address_0(self):
        known = images.chips(board.load(one) for one in board.ids())
        new = images.read(FIRMWARE, "fw.bin", known)
        place = image.place_in(new, 1 << 20, "fw.bin")
        whole = image.Maker(COMMON, place, new).make({})
        assert len(whole) == 1 << 20
        assert whole[: 0x1000 + len(FIRMWARE)] == b"\xff" * 0x1000 + FIRMWARE
        assert set(whole[0x1000 + len(FIRMWARE) : place.offset]) == {0xFF}
        assert littlefs.read(whole[place.offset :]).files == COMMON


class TestMany:
    def test_a_rerun_finishes_what_was_interrupted(self, devices, tmp_path):
        folders, maker = image.device_folders(devices), image.Maker(COMMON, PLACE)
        seen = []

        def stop(done, total, name):
            seen.append((done, total, name))
            if done == 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            image.batch(folders, maker, tmp_path, stop)
        assert seen == [(1, 3, "pump-1")]
        result = image.batch(folders, maker, tmp_path, lambda *_: None)
        assert "pump-1" in result.unchanged
        assert {*result.written, *result.unchanged} == {"pump-1", "pump-2"}
        assert list(result.failed) == ["pump-3"]
        for name in ("pump-1", "pump-2"):
            made = tmp_path / f"{name}.bin"
            assert littlefs.read(made.read_bytes()).files["cert.der"]
            assert stat.S_IMODE(made.stat().st_mode) == 0o600
        assert not [p for p in tmp_path.iterdir() if p.suffix != ".bin"]

    def test_another_image_is_not_overwritten_without_force(self, devices, tmp_path):
        folders = image.device_folders(devices)[:1]
        image.batch(folders, image.Maker(COMMON, PLACE), tmp_path, lambda *_: None)
        newer = image.Maker(COMMON | {"ta": b"newer"}, PLACE)
        refused = image.batch(folders, newer, tmp_path, lambda *_: None)
        assert "another image is there" in refused.failed["pump-1"].what
        forced = image.batch(folders, newer, tmp_path, lambda *_: None, force=True)
        assert forced.written == ["pump-1"]


class TestTheCommand:
    def test_one_device(self, bundle, devices, tmp_path):
        out = tmp_path / "pump-1.bin"
        arguments = (bundle, "--board", "esp32", "--device", devices / "pump-1", "-o", out)
        document = json.loads(run(*arguments, "--json").output)
        assert (document["schema"], document["bytes"]) == ("rootlet/image/1", 2 << 20)
        found = littlefs.read(out.read_bytes()).files
        assert found["ta"] == bundle.read_bytes()
        assert {*flash.IDENTITY, "main.py", "lib/urootlet/__init__.mpy"} <= found.keys()
        assert "up to date" in run(*arguments).output

    def test_your_programs_go_along_and_yours_is_main(self, bundle, tmp_path):
        (tmp_path / "app" / "lib").mkdir(parents=True)
        (tmp_path / "app" / "main.py").write_text("import pump")
        (tmp_path / "app" / "lib" / "pump.py").write_text("print('pump')")
        (tmp_path / "app" / ".git").write_text("not this")
        out = tmp_path / "a.bin"
        done = run(bundle, "--size", "256KB", "--files", tmp_path / "app", "-o", out)
        assert done.exit_code == 0, done.output
        found = littlefs.read(out.read_bytes()).files
        assert found["main.py"] == b"import pump"
        assert found["lib/pump.py"] == b"print('pump')"
        assert ".git" not in found

    @pytest.mark.parametrize("name", ["key.der", "ta/x.py", "lib", "lib/urootlet/jobs.mpy"])
    def test_a_file_of_yours_never_takes_the_place_of_ours(self, bundle, tmp_path, name):
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"?")
        done = run(bundle, "--size", "256KB", "--files", tmp_path / "app", "-o", tmp_path / "x")
        assert isinstance(done.exception, InputError)
        assert done.exception.what == f"--files: {name} is a name that rootlet writes itself"
        assert not (tmp_path / "x").exists()

    def test_a_file_of_yours_that_no_board_could_open_is_named(self, bundle, tmp_path):
        (tmp_path / "app").mkdir()
        (tmp_path / "app" / os.fsdecode(b"x\xff.py")).write_bytes(b"?")
        done = run(bundle, "--size", "256KB", "--files", tmp_path / "app", "-o", tmp_path / "x")
        assert isinstance(done.exception, InputError)
        assert "not UTF-8" in done.exception.what

    def test_a_folder_for_many_that_is_a_file_is_bad_input(self, bundle, devices, tmp_path):
        (tmp_path / "out").touch()
        done = run(bundle, "--size", "256KB", "--devices", devices, "-o", tmp_path / "out")
        assert isinstance(done.exception, InputError)

    def test_the_package_as_a_romfs(self, tmp_path):
        out = tmp_path / "urootlet.romfs"
        assert run("--romfs", "-o", out).exit_code == 0
        data = out.read_bytes()
        assert data.startswith(b"\xd2\xcd\x31")  # vfs.VfsRom, docs: "RM1" with high bits
        assert b"__init__.mpy" in data

    def test_many_say_which_one_failed_and_why(self, bundle, devices, tmp_path):
        done = run(bundle, "--size", "256KB", "--devices", devices, "-o", tmp_path / "out")
        assert done.exit_code == 2
        assert "2 images written" in done.output
        assert "pump-3/cert.der" in done.output
        assert "not made: 1 of 3" in done.output

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            ((), "how large is the file system"),
            (("--board", "esp32", "--size", "2MB"), "how large is the file system"),
            (("--board", "linux-gateway"), "no littlefs"),
            (("--size", "lots"), "not a size"),
            (("--size", "100KB", "--flash-size", "4MB"), "how large"),
            (("--board", "esp32", "--device", "a", "--devices", "b"), "--device is one device"),
        ],
    )
    def test_bad_usage(self, bundle, tmp_path, arguments, what):
        done = run(bundle, *arguments, "-o", tmp_path / "x")
        assert isinstance(done.exception, InputError)
        assert what in done.exception.what
        assert list(tmp_path.iterdir()) == []
