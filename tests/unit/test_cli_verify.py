"""``rootlet verify``: what people and machines see, and what it refuses to read."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from minted import HOST, Mint, der
from rootlet import anchor, board, bundle, catalog, pem, verify
from rootlet.cli.times import moment
from rootlet.cli.verify import command
from rootlet.errors import InputError, TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet.lab import Hierarchy

CA1, CA3, G2 = "amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"


class Desk:
    """A folder with a chain of the lab and bundles for it."""

    def __init__(self, folder: Path, pki: Hierarchy) -> None:
        self.folder = folder
        self.mint = Mint(pki)

    def chain(self, family: str = "p256", shape: int = 3, name: str = "chain.pem") -> Path:
        blocks = [pem.armour(der(one)) for one in self.mint.chain(family, shape)]
        return self.write(name, "".join(blocks))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def bundle(self, *ids: str, form: str = "tiny", profile: int = 3) -> Path:
        anchors = [
            bundle.Anchor(
                self.mint.anchor(one, form), hashlib.sha256(self.mint.anchor(one)).digest()
            )
            for one in ids
        ]
        path = self.folder / "anchors.rlt"
        path.write_bytes(bundle.encode(anchors, target="t", profile=profile, created=1))
        return path

    def run(self, *arguments: object) -> str:
        done = CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def refused(self, *arguments: object) -> TrustError:
        with pytest.raises(TrustError) as caught:
            self.run(*arguments)
        assert caught.value.exit_status == 3
        return caught.value


@pytest.fixture
def desk(tmp_path: Path, lab_pki: Hierarchy) -> Desk:
    return Desk(tmp_path, lab_pki)


class TestYes:
    def test_it_shows_the_path_from_leaf_to_anchor(self, desk: Desk) -> None:
        text = desk.run(
            desk.bundle(CA3), "--chain", desk.chain(), "--host", HOST, "--board", "esp32"
        )
        lines = [line.split("  ")[0] for line in text.splitlines()]
        order = ["*.iot.eu-west-1.amazonaws.com", "Amazon ECDSA 256 M01", "Amazon Root CA 3"]
        assert [line for line in lines if line in order] == order
        assert "by mbedTLS 3.6, with Amazon Root CA 3" in text
        assert HOST in text

    def test_it_says_so_when_no_stack_and_no_host_is_named(self, desk: Desk) -> None:
        text = desk.run(desk.bundle(CA3), "--chain", desk.chain())
        assert "no --board and no --stack: taking mbedTLS" in text
        assert "not checked: no --host" in text

    def test_json_names_path_anchor_and_end(self, desk: Desk) -> None:
        text = desk.run(desk.bundle(CA3), "--chain", desk.chain(), "--json", "--stack", "mbedtls")
        found = json.loads(text)
        assert found["schema"] == "rootlet/verify/1"
        assert found["accepted"] is True
        assert found["code"] is None
        assert [one["is"] for one in found["path"]] == ["leaf", "sent", "anchor"]
        assert found["ends"] == min(one["not_after"] for one in found["path"])

    def test_the_order_of_the_rest_is_the_stacks_affair(self, desk: Desk) -> None:
        leaf, issuing, cross = (pem.armour(der(one)) for one in desk.mint.chain("p256", 3))
        shuffled = desk.write("shuffled.pem", leaf + cross + issuing)
        desk.run(desk.bundle(G2, form="strict"), "--chain", shuffled, "--stack", "openssl")
        error = desk.refused(desk.bundle(G2), "--chain", shuffled, "--stack", "mbedtls")
        assert "was sent before" in error.why

    def test_a_certificate_may_be_sent_twice(self, desk: Desk) -> None:
        leaf, issuing, _ = (pem.armour(der(one)) for one in desk.mint.chain("p256", 3))
        twice = desk.write("twice.pem", leaf + issuing + issuing)
        desk.run(desk.bundle(CA3), "--chain", twice)


class TestNo:
    def test_the_missing_root_is_named(self, desk: Desk) -> None:
        error = desk.refused(desk.bundle(CA1), "--chain", desk.chain(shape=2))
        assert error.code == "FAMILY"
        assert "no anchor is Amazon Root CA 3" in error.why

    def test_the_cipher_profile_counts(self, desk: Desk) -> None:
        error = desk.refused(desk.bundle(CA3, profile=2), "--chain", desk.chain())
        assert error.code == "FAMILY"
        assert "cipher profile offers RSA" in error.why

    @pytest.mark.parametrize(
        ("at", "code"), [("2000-01-01", "CLOCK"), ("2045-01-01T00:00:00+02:00", "EXPIRED")]
    )
    def test_the_time_counts(self, desk: Desk, at: str, code: str) -> None:
        error = desk.refused(desk.bundle(CA3), "--chain", desk.chain(), "--at", at)
        assert error.code == code

    def test_the_host_counts(self, desk: Desk) -> None:
        error = desk.refused(desk.bundle(CA3), "--chain", desk.chain(), "--host", "example.com")
        assert error.code == "NAME"
        assert "not for example.com" in error.why

    def test_a_tail_that_the_stack_insists_on(self, desk: Desk) -> None:
        arguments = ("--chain", desk.chain(), "--stack", "esp-idf")
        assert desk.refused(desk.bundle(CA3), *arguments).code == "CROSS"
        desk.run(desk.bundle(CA3, G2), *arguments)

    def test_json_is_printed_before_the_refusal(self, desk: Desk) -> None:
        arguments = [str(desk.bundle(CA1)), "--chain", str(desk.chain("p256", 2)), "--json"]
        done = CliRunner().invoke(command, arguments)
        found = json.loads(done.stdout)
        assert found["accepted"] is False
        assert found["code"] == "FAMILY"
        assert found["reason"]

    def test_the_program_leaves_with_3(self, desk: Desk) -> None:
        arguments = ["verify", str(desk.bundle(CA1)), "--chain", str(desk.chain())]
        done = subprocess.run(
            [sys.executable, "-m", "rootlet", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 3
        assert "(E-FAMILY)" in done.stderr


class TestStack:
    @pytest.mark.parametrize(
        ("board_id", "stack", "used"),
        [
            ("esp32", "", "mbedtls"),
            ("linux-gateway", "", "openssl"),
            ("esp32", "wolfssl", "wolfssl"),
            ("", "", "mbedtls"),
        ],
    )
    def test_the_boards_own_unless_named(self, board_id: str, stack: str, used: str) -> None:
        on = board.load(board_id) if board_id else None
        assert verify.model_for(stack, on).id == used

    def test_the_board_narrows_the_model(self) -> None:
        on = board.load("esp32")
        assert verify.model_for("", on).curves == {"ec-p256", "ec-p384"}
        assert "ec-p521" in verify.model_for("", None).curves

    def test_a_gateway_refuses_a_tiny_anchor(self, desk: Desk) -> None:
        arguments = ("--chain", desk.chain(), "--board", "linux-gateway")
        assert desk.refused(desk.bundle(CA3), *arguments).code == "ROOT"
        desk.run(desk.bundle(CA3, form="strict"), *arguments)


class TestChainFile:
    def refused(self, desk: Desk, chain: Path) -> InputError:
        with pytest.raises(InputError) as caught:
            desk.run(desk.bundle(CA3), "--chain", chain)
        return caught.value

    def test_a_ca_that_comes_first(self, desk: Desk) -> None:
        leaf, issuing, _ = (pem.armour(der(one)) for one in desk.mint.chain("p256", 3))
        error = self.refused(desk, desk.write("upside-down.pem", issuing + leaf))
        assert "the first certificate is Amazon ECDSA 256 M01, a CA" in error.what

    def test_more_than_sixteen(self, desk: Desk) -> None:
        leaf = pem.armour(der(desk.mint.chain("p256")[0]))
        error = self.refused(desk, desk.write("long.pem", leaf * 17))
        assert "17 certificates" in error.what

    def test_a_private_key(self, desk: Desk) -> None:
        text = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        error = self.refused(desk, desk.write("key.pem", text))
        assert "a private key" in error.what
        assert error.code == "FORMAT"

    def test_a_bundle_in_its_place(self, desk: Desk) -> None:
        made = desk.bundle(CA3)
        assert "a rootlet bundle" in self.refused(desk, made).what


class TestTime:
    @pytest.mark.parametrize(
        ("text", "unix"),
        [
            ("2038-01-19T03:14:08Z", 2147483648),
            ("2147483648", 2147483648),
            ("2038-01-19", 2147472000),
            ("20380119", 2147472000),
            ("100000000", 100_000_000),
            ("2038-01-19T05:14:08+02:00", 2147483648),
        ],
    )
    def test_what_is_a_time(self, text: str, unix: int) -> None:
        assert moment(text) == datetime.fromtimestamp(unix, UTC)

    @pytest.mark.parametrize("text", ["soon", "2038", "2038-13-01", "9" * 30, "-1", ""])
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(InputError, match="is not a time"):
            moment(text)


def test_every_form_of_anchor_is_read(desk: Desk) -> None:
    for form in anchor.FORMS:
        desk.run(desk.bundle(CA3, form=form), "--chain", desk.chain())


def test_a_verdict_names_a_catalogued_anchor_by_its_id() -> None:
    original = catalog.load().get(CA3)
    packaged = anchor.package(original.der, "tiny", CA3)
    data = bundle.encode(
        [bundle.Anchor(packaged, bytes.fromhex(original.sha256))],
        target="t",
        profile=1,
        created=1,
    )
    found: Any = verify.read_anchors(bundle.decode(data, "it"))
    assert list(found.values()) == [CA3]


def test_a_form_that_the_stack_does_not_take_is_the_first_hint(desk):
    error = desk.refused(desk.bundle(CA3), "--chain", desk.chain(), "--stack", "openssl")
    assert "--form strict" in error.hint
