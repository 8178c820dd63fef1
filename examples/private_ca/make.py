"""A root of your own, a server's certificate under it, and a device that trusts that root alone.

    python make.py FOLDER broker.pumps.example --address 192.0.2.7

FOLDER gets root.pem and root.key (keep that one off the network), server.pem and server.key for
the broker, and pump-7, the folder of a device: python -m urootlet --dir FOLDER/pump-7 runs it on a
gateway; rootlet flash --device FOLDER/pump-7 FOLDER/pump-7/ta puts it on a board.
"""

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

THING = "pump-7"


def name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def begin(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def make_root(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Return a root for twenty years; RFC 5280 4.2.1.9 and 4.2.1.3 say what it must have."""
    subject = name("Pumps Root")
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    return (
        begin(subject, subject, key.public_key(), 7300)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )


def make_server(host: str, key: ec.EllipticCurvePrivateKey, root, root_key) -> x509.Certificate:
    """Return the broker's certificate. Devices compare ``host`` with the subjectAltName alone."""
    return (
        begin(name(host), root.subject, key.public_key(), 800)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(root_key, SHA256())
    )


def keep(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a private key that only this user can read; one that is there stays."""
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.exit(f"error: {path} is there: name another folder")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def rootlet(*words: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "rootlet", *map(str, words)], check=False)
    if done.returncode:  # it has said why
        sys.exit(done.returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("host", help="the broker's name, which devices verify")
    parser.add_argument("--address", help="where it is, if no name server knows")
    parser.add_argument("--mqtt-port", default="8883")
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)

    root_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    keep(folder / "root.key", root_key)
    keep(folder / "server.key", server_key)
    root = make_root(root_key)
    server = make_server(options.host, server_key, root, root_key)
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "server.pem").write_bytes(server.public_bytes(Encoding.PEM))

    device, trust = folder / THING, folder / THING / "ta"
    where = ["--endpoint", options.host, "--mqtt-port", options.mqtt_port]
    where += ["--address", options.address] if options.address else []
    authority = ["--ca-cert", folder / "root.pem", "--ca-key", folder / "root.key"]
    rootlet("provision", "--thing", THING, "-o", device, *where, *authority)
    anchor = ["--keys", "none", "--anchor", folder / "root.pem", "--profile", "ecdsa"]
    rootlet("build", "--board", "linux-gateway", *anchor, "-o", trust)
    rootlet("verify", trust, "--chain", folder / "server.pem", "--host", options.host)


if __name__ == "__main__":
    main()
