"""Device folders: made whole, finished after a cut with the same key, replaced by force only."""

import stat
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificate

from rootlet import credentials, files, identity, provision
from rootlet.errors import InputError
from rootlet.identity import Settings, Wifi
from rootlet.provision import Device, complete, create, look

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIGN = credentials.self_signed(NOW)
SETTINGS = Settings("a1b2c3-ats.iot.eu-west-1.amazonaws.com", "pump-7", ntp="pool.ntp.org")
PUMP = Device(SETTINGS, Wifi("plant-2", "12345678"))
BOARD = {"rootlet.json", "cert.der", "key.der", "wifi.json"}


class Cut(BaseException):
    """The power goes: no handler under test survives it."""


def names(folder):
    return {path.name for path in folder.iterdir()}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestANewFolder:
    def test_holds_what_the_board_does_and_what_a_person_needs(self, tmp_path):
        made = create(tmp_path / "a" / "pump-7", PUMP, SIGN)
        assert names(made.folder) == BOARD | {"device.csr", "device.crt"}
        assert set(identity.read_folder(made.folder)) == BOARD
        assert made == look(made.folder)
        text = (made.folder / "device.crt").read_bytes()
        assert load_pem_x509_certificate(text).fingerprint(hashes.SHA256()).hex() == (
            made.certificate_id
        )

    def test_is_for_its_owner_only(self, tmp_path):
        made = create(tmp_path / "pump-7", PUMP, SIGN)
        assert mode(made.folder) == 0o700
        private = {name for name in names(made.folder) if mode(made.folder / name) == 0o600}
        assert private == {"key.der", "wifi.json"}

    def test_waits_for_an_authority_when_nobody_signs(self, tmp_path):
        made = create(tmp_path / "pump-7", PUMP, credentials.later)
        assert names(made.folder) == {"rootlet.json", "key.der", "wifi.json", "device.csr"}
        assert (made.certificate_id, made.ends) == ("", None)
        with pytest.raises(InputError, match="no certificate yet"):
            identity.read_folder(made.folder)

    def test_may_be_an_empty_one_that_is_there(self, tmp_path):
        create(tmp_path, PUMP, SIGN)
        assert mode(tmp_path) == 0o700

    def test_does_not_move_in_with_other_files(self, tmp_path):
        (tmp_path / "notes.txt").touch(0o644)
        tmp_path.chmod(0o755)
        with pytest.raises(InputError, match="other files are in this folder"):
            create(tmp_path, PUMP, SIGN)
        assert (names(tmp_path), mode(tmp_path)) == ({"notes.txt"}, 0o755)

    @pytest.mark.parametrize(
        "device",
        [
            Device(Settings(SETTINGS.endpoint, "../pump")),
            Device(Settings(SETTINGS.endpoint, "")),
            Device(Settings(SETTINGS.endpoint, "x" * 129)),
            Device(Settings(SETTINGS.endpoint, "pump.7")),
            Device(Settings("", "pump-7")),
            Device(Settings("https://example.com", "pump-7")),
            Device(Settings(SETTINGS.endpoint, "pump-7", ntp="pool.ntp.org/x")),
            Device(Settings(SETTINGS.endpoint, "pump-7", address="a b")),
            Device(Settings(SETTINGS.endpoint, "pump-7", offers="rootlet/#")),
            Device(Settings(SETTINGS.endpoint, "pump-7", port=0)),
            Device(SETTINGS, Wifi("net", "short")),
            Device(SETTINGS, None, "x" * 65),
        ],
    )
    def test_is_not_begun_with_what_a_device_would_refuse(self, tmp_path, device):
        with pytest.raises(InputError):
            create(tmp_path / "pump-7", device, SIGN)
        assert list(tmp_path.iterdir()) == []

    def test_takes_a_key_that_is_there(self, tmp_path):
        key = credentials.new_key()
        made = create(tmp_path / "pump-7", PUMP, SIGN, key=key)
        assert made.key_id == credentials.spki_sha256(key)

    def test_where_a_file_is_says_so(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="a file"):
            create(tmp_path / "file", PUMP, SIGN)
        with pytest.raises(InputError, match="cannot be made"):
            create(tmp_path / "file" / "pump-7", PUMP, SIGN)


class TestWhatIsThere:
    @pytest.mark.parametrize("issue", [SIGN, credentials.later])
    def test_is_not_replaced(self, tmp_path, issue):
        made = create(tmp_path / "pump-7", PUMP, issue)
        before = contents(made.folder)
        with pytest.raises(InputError, match="is a device already"):
            create(made.folder, PUMP, SIGN)
        assert contents(made.folder) == before

    def test_is_replaced_by_force_and_leaves_nothing_of_the_old(self, tmp_path):
        first = create(tmp_path / "pump-7", PUMP, SIGN)
        (first.folder / "notes.txt").write_text("mine")
        second = create(first.folder, Device(SETTINGS), credentials.later, force=True)
        assert second.key_id != first.key_id
        assert names(first.folder) == {"rootlet.json", "key.der", "device.csr", "notes.txt"}


class TestAFolderThatWaits:
    def test_gets_its_certificate_and_keeps_the_rest(self, tmp_path):
        waiting = create(tmp_path / "pump-7", PUMP, credentials.later)
        before = contents(waiting.folder)
        made = complete(waiting.folder, SIGN)
        assert made.key_id == waiting.key_id
        assert made == look(waiting.folder)
        assert before.items() <= contents(waiting.folder).items()

    def test_refuses_the_certificate_of_another_and_stays(self, tmp_path):
        waiting = create(tmp_path / "pump-7", PUMP, credentials.later)
        before = contents(waiting.folder)
        key = credentials.new_key()
        other = credentials.given(SIGN(credentials.request(key), key), "other.crt")
        with pytest.raises(InputError, match=r"other\.crt: this key does not belong"):
            complete(waiting.folder, other)
        assert contents(waiting.folder) == before

    def test_takes_another_certificate_later_by_force_only(self, tmp_path):
        made = create(tmp_path / "pump-7", PUMP, SIGN)
        with pytest.raises(InputError, match="is a device already"):
            complete(made.folder, SIGN)
        renewed = complete(made.folder, SIGN, force=True)
        assert renewed.key_id == made.key_id
        assert renewed.certificate_id != made.certificate_id

    @pytest.mark.parametrize("text", [b"", b"nothing", credentials.request_pem(
        credentials.request(credentials.new_key()))])  # fmt: skip
    def test_with_a_damaged_request_says_so(self, tmp_path, text):
        waiting = create(tmp_path / "pump-7", PUMP, credentials.later)
        (waiting.folder / "device.csr").write_bytes(text)
        with pytest.raises(InputError, match=r"device\.csr: damaged"):
            complete(waiting.folder, SIGN)

    def test_without_a_key_is_no_device(self, tmp_path):
        with pytest.raises(InputError, match="no key to complete"):
            complete(tmp_path, SIGN)


class TestACut:
    """Files are written one by one; the power goes before the nth, or in the middle of it."""

    STEPS = 6

    @pytest.fixture
    def cut(self, monkeypatch):
        real = files.write
        state = {"left": 0, "draft": False}

        def write(path, data, mode=0o644):
            state["left"] -= 1
            if state["left"] < 0:
                if state["draft"]:
                    (path.parent / f".{path.name}.k2j3").write_bytes(data[: len(data) // 2])
                raise Cut
            real(path, data, mode)

        monkeypatch.setattr(files, "write", write)

        def arm(left, *, draft):
            state.update(left=left, draft=draft)

        return arm

    @pytest.mark.parametrize("draft", [False, True])
    @pytest.mark.parametrize("step", range(STEPS))
    def test_is_finished_by_a_rerun_with_the_same_key(self, tmp_path, cut, step, draft):
        folder = tmp_path / "pump-7"
        cut(step, draft=draft)
        with pytest.raises(Cut):
            create(folder, PUMP, SIGN)
        held = contents(folder).get("key.der")
        cut(self.STEPS, draft=False)
        if (folder / "device.csr").exists():
            complete(folder, SIGN)
        else:
            create(folder, PUMP, SIGN)
        assert names(folder) == set(provision.NAMES)
        assert held in (None, (folder / "key.der").read_bytes())
        identity.read_folder(folder)

    def test_does_not_make_an_unfinished_folder_take_another_key(self, tmp_path, cut):
        cut(1, draft=False)
        with pytest.raises(Cut):
            create(tmp_path / "pump-7", PUMP, SIGN)
        cut(self.STEPS, draft=False)
        with pytest.raises(InputError, match="is a device already"):
            create(tmp_path / "pump-7", PUMP, SIGN, key=credentials.new_key())


class TestSecrets:
    def test_are_in_no_error_and_no_repr(self, tmp_path):
        made = create(tmp_path / "pump-7", PUMP, SIGN)
        assert "12345678" not in repr(PUMP) + repr(made)
        key = (made.folder / "key.der").read_bytes()
        (made.folder / "key.der").write_bytes(key[:-4])
        with pytest.raises(InputError) as caught:
            look(made.folder)
        told = f"{caught.value.what}{caught.value.why}{caught.value.hint}"
        assert key[8:16].hex() not in told
        assert caught.value.__cause__ is None
