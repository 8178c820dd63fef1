"""Feed the parsers of files from outside with hostile bytes: ``make fuzz``.

Coverage-guided (atheris, libFuzzer), from the test vectors and the shipped anchors on. Each
parser may raise its declared error and nothing else, in bounded memory and time. A finding is
written to ``crash-*`` with the input that makes it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["urootlet", "rootlet"]):
    from rootlet import catalog, pem
    from rootlet.errors import InputError
    from urootlet.bundle import Bundle
    from urootlet.der import Certificate
    from urootlet.errors import Error
    from urootlet.facts import common_name, family
    from urootlet.keyset import KeySet

VECTORS = Path(__file__).parents[1] / "assets" / "vectors"
#: Memory of one process, and seconds for one input, before it counts as a finding.
_MEGABYTES, _SECONDS = 512, 5


def bundle(data: bytes) -> None:
    """Read a bundle, then every anchor in it as the TLS backend would."""
    try:
        found = Bundle(data)
    except Error:
        return
    for index in range(len(found.anchors)):
        der = found.der(index)
        Certificate(der, 0, len(der)).is_ca()


def key_set(data: bytes) -> None:
    """Read a key set."""
    try:
        KeySet(data)
    except Error:
        return


def certificate(data: bytes) -> None:
    """Walk a certificate that a server sent."""
    try:
        found = Certificate(data, 0, len(data))
        found.is_ca()
        family(found)
        common_name(data, found.subject)
        common_name(data, found.issuer)
    except Error:
        return


def pem_file(data: bytes) -> None:
    """Find the blocks of a PEM file."""
    try:
        pem.blocks(data, "input")
    except InputError:
        return


TARGETS = {one.__name__: one for one in (bundle, key_set, certificate, pem_file)}


def main() -> None:
    """Run every target for its share of ``--inputs``, or one target as libFuzzer does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="in all")
    parser.add_argument("--target", choices=TARGETS, help="this process runs one target")
    parser.add_argument("--corpus", default="", help="the folder of its inputs")
    options = parser.parse_args()
    if options.target:
        _fuzz(options.target, options.inputs, options.corpus)
        return
    # The bundle parser is what reads offers from strangers: half of all inputs are its own.
    shares = {"bundle": 0.5, "key_set": 0.2, "certificate": 0.2, "pem_file": 0.1}
    for name, share in shares.items():
        count = round(options.inputs * share)
        print(f"{name}: {count} inputs", flush=True)
        # libFuzzer ends its process at once, so the corpus is made and removed out here.
        with tempfile.TemporaryDirectory(prefix="rootlet-fuzz-") as folder:
            _seed(name, Path(folder))
            command = [sys.executable, __file__, "--target", name, "--inputs", str(count)]
            subprocess.run([*command, "--corpus", folder], check=True)


def _fuzz(name: str, inputs: int, corpus: str) -> None:
    arguments = [sys.argv[0], f"-runs={inputs}", f"-rss_limit_mb={_MEGABYTES}"]
    arguments += [f"-timeout={_SECONDS}", "-max_len=8192", "-print_final_stats=1", corpus]
    atheris.Setup(arguments, TARGETS[name])
    atheris.Fuzz()


def _seed(name: str, folder: Path) -> None:
    """Begin with good inputs of the right kind, or the fuzzer learns the first bytes only."""
    for one in catalog.load().anchors if name in ("certificate", "pem_file") else ():
        data = one.der if name == "certificate" else one.path.read_bytes()
        (folder / one.id).write_bytes(data)
    for path in VECTORS.glob("*.rl?") if name in ("bundle", "key_set") else ():
        (folder / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    main()
