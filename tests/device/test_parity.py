"""The same scripts on MicroPython and CPython must print the same, and what is expected.

``tests/device/expected/NAME.txt`` is what a person has read and found right. After a wanted
change: ``REGENERATE=1 pytest tests/device/test_parity.py``, then read the difference.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import keyset_cases
import on_micropython
import signature_cases
from rootlet import board as boards
from rootlet import catalog, resources
from rootlet.build import Request, build
from rootlet.lab import Hierarchy

HERE = Path(__file__).parent
DEVICE = resources.device_package().parent
CREATED = 1_790_000_000


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """The files that the scripts read, made from the catalogue and the lab."""
    folder = tmp_path_factory.mktemp("inputs")
    request = Request(boards.load("esp32"), "rsa", CREATED, target="default")
    (folder / "rsa.rlt").write_bytes(build(request).data)
    for anchor in catalog.load().anchors:
        (folder / f"{anchor.id}.der").write_bytes(anchor.der)
    pki = Hierarchy.fresh()
    for name, issuer in (("rsa", "Amazon RSA 2048 M01"), ("ec", "Amazon ECDSA 256 M01")):
        leaf, ca = pki.chain(issuer, "iot.eu-west-1.amazonaws.com", "2").certificates
        (folder / f"leaf-{name}.der").write_bytes(_der(leaf))
        (folder / f"ca-{name}.der").write_bytes(_der(ca))
    _write_signed(folder)
    return folder


def _write_signed(folder: Path) -> None:
    """Write signatures, chains of key sets and offers: one case per line, fields in hex."""
    lines = [case.line() for case in signature_cases.cases()]
    (folder / "signatures.txt").write_text("\n".join(lines) + "\n")
    chains = [
        "\t".join((name, *(one.encode().hex() for one in chain)))
        for name, chain in keyset_cases.CHAINS.items()
    ]
    (folder / "keysets.txt").write_text("\n".join(chains) + "\n")
    offers = [
        "\t".join((name, one.under.encode().hex(), one.encode().hex()))
        for name, one in keyset_cases.OFFERS.items()
    ]
    (folder / "offers.txt").write_text("\n".join(offers) + "\n")
    (folder / "good.rlk").write_bytes(keyset_cases.first(2, 0, 1, 2).encode())


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def arguments(script: str, folder: Path) -> list[str]:
    names = {
        "der_walk": [
            *(f"{anchor.id}.der" for anchor in catalog.load().anchors),
            "leaf-rsa.der",
            "leaf-ec.der",
            "ca-rsa.der",
            "ca-ec.der",
        ],
        "signature": ["signatures.txt"],
        "diagnosis": ["rsa.rlt", "leaf-rsa.der", "leaf-ec.der", "ca-rsa.der"],
    }
    if script == "vectors":
        return [str(HERE.parent / "assets" / "vectors")]
    if script == "keyset":
        return [str(folder)]
    if script == "wifi":
        return [str(HERE / "doubles"), str(folder)]
    return [str(folder / name) for name in names.get(script, [])]


def run_micropython(script: Path, arguments: list[str], folder: Path) -> str:
    command, environment = on_micropython.start(folder, CREATED, str(DEVICE))
    done = subprocess.run(
        [*command, str(script), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def run_cpython(script: Path, arguments: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), *arguments],
        env={"PYTHONPATH": str(DEVICE)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


SCRIPTS = sorted(path.stem for path in (HERE / "scripts").glob("*.py"))


@pytest.mark.parametrize("interpreter", [run_cpython, run_micropython])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_prints_what_is_expected(script, interpreter, inputs, tmp_path):
    printed = interpreter(HERE / "scripts" / f"{script}.py", arguments(script, inputs), tmp_path)
    expected = HERE / "expected" / f"{script}.txt"
    if os.environ.get("REGENERATE") and interpreter is run_cpython:
        expected.write_text(printed)
    assert printed == expected.read_text()
