"""How many devices a second ``rootlet provision --csv`` makes: ``make bench-provision``.

Each gets a key, a request, a certificate of a CA, its settings, and a line in the ledger, all on
the disk. The comparison, in turns within the same run, is with nothing but a P-256 key and a
CA's signature on its certificate, made by the same library and kept nowhere. Best of each counts:
a busy machine only ever takes longer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from table import Row, finish, progress

from rootlet import batch, credentials, identity
from rootlet.provision import Device

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ROUNDS = 3
LEAST = 50  # devices a second, on two cores


def authority() -> credentials.Authority:
    """Return a CA of P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench CA")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(NOW - timedelta(days=9)).not_valid_after(credentials.LAST)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return credentials.Authority(builder.sign(key, hashes.SHA256()), key, NOW)


def bare(ca: credentials.Authority, count: int) -> float:
    """Return the seconds for ``count`` keys and certificates."""
    began = time.perf_counter()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "0" * 32)])
    for _ in range(count):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = x509.CertificateBuilder(ca.certificate.subject, subject, key.public_key(), 1)
        builder.not_valid_before(NOW).not_valid_after(credentials.LAST).sign(
            ca.key, hashes.SHA256()
        )
    return time.perf_counter() - began


def provision(ca: credentials.Authority, count: int, folder: Path) -> float:
    """Return the seconds for ``count`` devices in ``folder``."""
    endpoint = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
    devices = [
        Device(identity.Settings(endpoint, f"pump-{number}"), identity.Wifi("net", "12345678"))
        for number in range(count)
    ]
    work = batch.Batch(folder, ca.issue, NOW)
    began = time.perf_counter()
    work.run(devices, lambda _done, _total, _what: None)
    return time.perf_counter() - began


def rows(count: int = 200, folder: Path | None = None) -> list[Row]:
    """Return milliseconds per device, beside a key and a CA's signature alone."""
    progress("host: provision")
    ca = authority()
    alone, whole = [], []
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=folder or Path.cwd()) as name:
        for number in range(ROUNDS):
            alone.append(bare(ca, count))
            whole.append(provision(ca, count, Path(name) / str(number)))
    mine, theirs = (1000 * min(one) / count for one in (whole, alone))
    source = f"{1000 / mine:.0f} and {1000 / theirs:.0f} a second, best of {ROUNDS}"
    return [Row("host", "provision a device to key and signature", mine, theirs, "ms", source)]


def main() -> None:
    """Print the table; exit 1 below the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: here")
    options = parser.parse_args()
    found = rows(options.devices, options.folder)
    print(f"{found[0].source}; at least {LEAST} devices a second are asked for")
    if found[0].ours > 1000 / LEAST:
        sys.exit(1)
    finish(found)


if __name__ == "__main__":
    main()
