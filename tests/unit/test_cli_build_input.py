"""``rootlet build --anchor FILE``: all that a file holds, or an error with its name and block."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from own_roots import key, leaf, root
from rootlet import catalog, pem
from urootlet.bundle import Bundle

if TYPE_CHECKING:
    from pathlib import Path

CA1 = catalog.load().get("amazon-root-ca-1").der
CA3 = catalog.load().get("amazon-root-ca-3").der
ONE, OTHER = pem.armour(CA1).encode(), pem.armour(CA3).encode()
TWO = ONE + OTHER
FORMAT = PrivateFormat.PKCS8
PRIVATE = key(1).private_bytes(Encoding.PEM, FORMAT, NoEncryption())
PRIVATE_DER = key(1).private_bytes(Encoding.DER, FORMAT, NoEncryption())
OLD_PRIVATE = key(1).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
STORE = pkcs12.serialize_key_and_certificates(b"x", key(1), None, None, NoEncryption())
DUMP = b"Certificate:\n    Data:\n        Version: 3 (0x2)\n    Signature: 06:6c:9f:cf\n"


def build(folder: Path, *files: bytes, keys: str = "none") -> subprocess.CompletedProcess[str]:
    """Build from files ``0.pem``, ``1.pem`` ... into ``out.rlt``, as a user does."""
    words = []
    for number, data in enumerate(files):
        (folder / f"{number}.pem").write_bytes(data)
        words += ["--anchor", str(folder / f"{number}.pem")]
    arguments = ["build", "--board", "esp32", "--keys", keys, "-o", str(folder / "out.rlt")]
    return subprocess.run(
        [sys.executable, "-m", "rootlet", *arguments, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )


def refusal(folder: Path, *files: bytes, keys: str = "none") -> str:
    """Return the words of an error: bad input, short, no key in it, and nothing written."""
    done = build(folder, *files, keys=keys)
    assert done.returncode in {2, 3}, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert len(lines) <= 3
    for line in PRIVATE.decode().splitlines()[1:-1]:
        assert line not in done.stderr
    written = {path.name for path in folder.iterdir()}
    assert written == {f"{number}.pem" for number in range(len(files))}
    return done.stderr


class TestARightFile:
    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(TWO, id="as it should be"),
            pytest.param(TWO.replace(b"\n", b"\r\n"), id="lines end in CRLF"),
            pytest.param(b"\xef\xbb\xbf" + TWO, id="starts with a byte order mark"),
            pytest.param(ONE + b"\xef\xbb\xbf" + OTHER, id="two files with marks were joined"),
            pytest.param(DUMP + ONE + DUMP + OTHER, id="text dumps stand before the blocks"),
            pytest.param(TWO.rstrip(b"\n"), id="the last newline is missing"),
            pytest.param(ONE.rstrip(b"\n") + OTHER, id="joined without a newline between"),
            pytest.param(TWO.rstrip(b"\n").replace(b"\n", b"\r\n"), id="CRLF, last one missing"),
        ],
    )
    def test_gives_every_root_that_is_in_it(self, tmp_path, data):
        done = build(tmp_path, data)
        assert done.returncode == 0, done.stderr
        found = Bundle((tmp_path / "out.rlt").read_bytes())
        assert {found.original(0).hex(), found.original(1).hex()} == {
            catalog.load().get(one).sha256 for one in ("amazon-root-ca-1", "amazon-root-ca-3")
        }
        assert len(found.anchors) == 2

    def test_may_be_der(self, tmp_path):
        assert build(tmp_path, CA1).returncode == 0
        assert len(Bundle((tmp_path / "out.rlt").read_bytes()).anchors) == 1


class TestAWrongFile:
    """In each case a lenient reader would find fewer roots, or none, and say nothing."""

    @pytest.mark.parametrize(
        ("data", "place", "words"),
        [
            pytest.param(ONE + CA3, "before block 2", "binary", id="PEM, then DER"),
            pytest.param(CA1 + OTHER, "", "PEM text follows the DER", id="DER, then PEM"),
            pytest.param(CA1 + CA3, "", "after the end", id="two DER, of which readers take one"),
            pytest.param(CA1[:-1], "", "cut off", id="DER that is cut off"),
            pytest.param(TWO + ONE, "block 3", "same certificate as block 1", id="twice"),
            pytest.param(TWO.decode().encode("utf-16"), "", "UTF-16", id="UTF-16"),
            pytest.param(TWO.decode().encode("utf-16-be"), "", "UTF-16", id="UTF-16, no mark"),
            pytest.param(ONE + PRIVATE, "block 2", "private key", id="a private key"),
            pytest.param(OLD_PRIVATE + ONE, "block 1", "private key", id="an old private key"),
            pytest.param(PRIVATE_DER, "", "private key", id="a private key as DER"),
            pytest.param(STORE, "", "PKCS#12", id="a key store"),
            pytest.param(TWO[:-10], "block 2", "does not end", id="the end is cut off"),
            pytest.param(TWO[:-27] + ONE, "block 2", "does not end", id="an END line is missing"),
            pytest.param(ONE + OTHER.replace(b"M", b"!", 1), "block 2", "base64", id="a bad byte"),
            pytest.param(
                ONE + OTHER.replace(b"-----BEGIN", b"----BEGIN"), "", "after block 1", id="a dash"
            ),
            pytest.param(
                ONE + OTHER.replace(b"CERTIFICATE", b"X509 CRL"), "block 2", "list", id="a CRL"
            ),
            pytest.param(b"", "", "no certificate", id="nothing"),
            pytest.param(DUMP, "", "no certificate", id="a text dump alone"),
            pytest.param(b"# " + bytes(1 << 21), "", "over", id="too large"),
        ],
    )
    def test_is_refused_with_its_name_and_the_block(self, tmp_path, data, place, words):
        said = refusal(tmp_path, data)
        assert f"{tmp_path / '0.pem'}" in said.splitlines()[0]
        assert place in said.splitlines()[0]
        assert words in said

    def test_is_named_among_right_ones(self, tmp_path):
        said = refusal(tmp_path, ONE, OTHER + PRIVATE)
        assert f"{tmp_path / '1.pem'}, block 2: a private key" in said

    def test_of_a_server_instead_of_a_root_is_refused_with_name_and_block(self, tmp_path):
        said = refusal(tmp_path, ONE + pem.armour(leaf()).encode())
        assert "not a CA certificate" in said
        assert f"{tmp_path / '0.pem'}, block 2" in said

    def test_that_is_not_there_is_named(self, tmp_path):
        done = build(tmp_path)
        assert done.returncode == 2
        arguments = ["build", "--board", "esp32", "--keys", "none", "--anchor"]
        done = subprocess.run(
            [sys.executable, "-m", "rootlet", *arguments, tmp_path / "no.pem", "-o", "out.rlt"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "no.pem: cannot be read" in done.stderr


class TestTheSameRootTwice:
    def test_in_two_files_names_the_second(self, tmp_path):
        said = refusal(tmp_path, TWO, ONE)
        assert "given twice" in said
        assert "1.pem" in said

    def test_by_keys_and_by_file_names_the_file(self, tmp_path):
        said = refusal(tmp_path, pem.armour(root()).encode() + ONE, keys="rsa")
        assert "given twice" in said
        assert "0.pem" in said
