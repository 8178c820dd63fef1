"""What users meet, by its number in the reference, and where on the ladder it shows."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.hashes import SHA256

from doctor_world import RSA, Broken, World, bundle, umqtt
from signature_cases import private_key

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[1] / "examples" / "clients"
LEGACY = "a1b2c3.iot.eu-west-1.amazonaws.com"
#: A label of 64 bytes is over the limit of RFC 1035 2.3.4: nothing is asked of a network.
NO_NAME = "x" * 64
ESP32 = """
HEAP_DATA = 4
def idf_heap_info(kind):
    return [(20480, 9000, {largest}, 100), (113840, {free}, {largest}, 90)]
"""
NETWORK = """
STA_IF = 0
class WLAN:
    def __init__(self, kind): pass
    def isconnected(self): return {connected}
    def status(self): return 201
    def ifconfig(self): return ("192.0.2.7", "", "", "")
"""
STUBBORN = """
import micropython, time
micropython.kbd_intr(-1)
while True:
    print("measuring")
    time.sleep(0.1)
"""
FRAGMENTS = """
import gc
kept = []
try:
    while True:
        kept.append(bytearray(14000))
except MemoryError:
    for at in range(len(kept) - 2, -1, -2):
        kept[at] = None
    gc.collect()
"""
NO_NAME_PROGRAM = """
import tls, socket
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
stream = context.wrap_socket(socket.socket())
"""
OLD_PARAMS = """
from umqtt.simple import MQTTClient
client = MQTTClient("id", "host", ssl=True, ssl_params={
    "cert_reqs": 2, "cadata": open("ta", "rb").read(), "server_hostname": "host"})
"""


def pem_key(world: World, encryption: bytes | None = None) -> bytes:
    """Return the device's key in PEM, PKCS#8."""
    key = form.load_der_private_key(world.key, None)
    protection: form.KeySerializationEncryption = (
        form.BestAvailableEncryption(encryption) if encryption else form.NoEncryption()
    )
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, protection)


def rsa_key(name: str, encoding: form.Encoding) -> bytes:
    """Return one of the test keys, PKCS#1."""
    return private_key(name).private_bytes(
        encoding, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption()
    )


def self_signed(name: str) -> bytes:
    """Return the certificate of an RSA key, for a year from yesterday."""
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rsa")])
    builder = x509.CertificateBuilder(subject, subject, private_key(name).public_key(), 1)
    dates = (now - timedelta(days=1), now + timedelta(days=365))
    made = builder.not_valid_before(dates[0]).not_valid_after(dates[1])
    return made.sign(private_key(name), SHA256()).public_bytes(form.Encoding.DER)


#: number in the table of failures, code, step, exit status, what is broken
FAILURES: dict[str, tuple[str, str, int, Callable[[World], Broken]]] = {
    "1 clock at power on": ("CLOCK", "clock", 3, lambda w: Broken(clock=946_684_812)),
    "2 other keys": ("ROOT", "tls", 3, lambda w: Broken(face={"root": "lookalike"})),
    "2 no such root": (
        "ROOT",
        "tls",
        3,
        lambda w: Broken(
            {"ta": bundle(w.lab.pki, "starfield-g2")},
            face={"shape": "2", "preference": "prefer-rsa"},
        ),
    ),
    "3 legacy name": ("ENDPOINT", "dns", 3, lambda w: Broken(settings={"endpoint": LEGACY})),
    "4 tutorial": (
        "NOVERIFY",
        "programs",
        3,
        lambda w: Broken({"main.py": (EXAMPLES / "umqtt_tutorial.py").read_bytes()}),
    ),
    "5 UTF-16": (
        "FORMAT",
        "files",
        3,
        lambda w: Broken({"key.der": pem_key(w).decode().encode("utf-16")}),
    ),
    "5 swapped": (
        "FORMAT",
        "files",
        3,
        lambda w: Broken({"key.der": w.cert, "cert.der": w.key}),
    ),
    "5 encrypted": ("FORMAT", "files", 3, lambda w: Broken({"key.der": pem_key(w, b"secret")})),
    "5 rubbish": ("FORMAT", "files", 3, lambda w: Broken({"cert.der": b"\x30\x06rubbish"})),
    "5 path": ("FORMAT", "files", 3, lambda w: Broken({"key.der": b"/key.der"})),
    "5 no key": ("FORMAT", "files", 3, lambda w: Broken({"key.der": None})),
    "5 no package": (
        "FORMAT",
        "files",
        3,
        lambda w: Broken({"lib/urootlet/session.mpy": None}),
    ),
    "5 bundle": ("FORMAT", "files", 3, lambda w: Broken({"ta": w.contents["ta"][:-1]})),
    "6 no name": ("SNI", "programs", 3, lambda w: Broken({"app.py": NO_NAME_PROGRAM})),
    "7 other name": (
        "NAME",
        "tls",
        3,
        lambda w: Broken(face={"leaf_domain": "iot.us-east-1.amazonaws.com"}),
    ),
    "8 no bundle": ("NOROOTS", "files", 3, lambda w: Broken({"ta": None})),
    "8 empty bundle": ("NOROOTS", "files", 3, lambda w: Broken({"ta": b""})),
    "9 IDF heap": (
        "HEAP",
        "heap",
        4,
        lambda w: Broken({"esp32.py": ESP32.format(largest=11520, free=90000)}),
    ),
    "9 Python heap": (
        "HEAP",
        "heap",
        4,
        lambda w: Broken({"boot.py": FRAGMENTS}),
    ),
    "10 unknown": ("CLIENTCERT", "tls", 3, lambda w: Broken(face={"knows_client": False})),
    "10 unknown, TLS 1.3": (
        "CLIENTCERT",
        "mqtt",
        3,
        lambda w: Broken(face={"knows_client": False, "tls13": True}),
    ),
    "10 another's key": (
        "CLIENTCERT",
        "pair",
        3,
        lambda w: Broken({"cert.der": w.lab.pki.issue_identity("other").cert_der}),
    ),
    "11 no suite": (
        "TLSPOLICY",
        "tls",
        3,
        lambda w: Broken(
            {"ta": bundle(w.lab.pki, RSA, profile="rsa")}, face={"preference": "ecc-only"}
        ),
    ),
    "12 closed": ("POLICY", "mqtt", 5, lambda w: Broken(face={"fault": "close:connack"})),
    "12 refused": ("POLICY", "mqtt", 5, lambda w: Broken(face={"fault": "refuse:connack"})),
    "13 publish": ("TOPIC", "publish", 5, lambda w: Broken(face={"fault": "close:publish"})),
    "13 subscribe": ("TOPIC", "subscribe", 5, lambda w: Broken(face={"fault": "close:subscribe"})),
    "15 URL": ("DNS", "dns", 5, lambda w: Broken(settings={"endpoint": "https://" + LEGACY})),
    "15 port in it": ("DNS", "dns", 5, lambda w: Broken(settings={"endpoint": LEGACY + ":8883"})),
    "15 unknown": ("DNS", "dns", 5, lambda w: Broken(settings={"address": NO_NAME})),
    "16 443": ("PORT", "tcp", 5, lambda w: Broken(settings={"port": 443})),
    "16 no TLS": ("PORT", "tls", 5, lambda w: Broken(face={"fault": "plain:accept"})),
    "17 without ssl": (
        "UMQTT",
        "firmware",
        4,
        lambda w: Broken({"umqtt/simple.py": umqtt("ssl", "ssl_params")}),
    ),
    "17 1.5 and ssl_params": (
        "UMQTT",
        "programs",
        4,
        lambda w: Broken({"umqtt/simple.py": umqtt("ssl_params"), "main.py": OLD_PARAMS}),
    ),
    # Not in that table, and met all the same.
    "the other family": (
        "FAMILY",
        "tls",
        3,
        lambda w: Broken({"ta": bundle(w.lab.pki, RSA)}),
    ),
    "leaf that has ended": (
        "EXPIRED",
        "tls",
        3,
        lambda w: Broken(face={"leaf_validity": "expired"}),
    ),
    "leaf of next month": ("CLOCK", "tls", 3, lambda w: Broken(face={"leaf_validity": "future"})),
    "silent NTP": (
        "CLOCK",
        "ntp",
        3,
        lambda w: Broken(settings={"ntp": NO_NAME}, clock=946_684_812),
    ),
    "nobody listens": ("NET", "tcp", 5, lambda w: Broken(settings={"port": _closed_port()})),
    "no Wi-Fi": ("NET", "wifi", 5, lambda w: Broken({"network.py": NETWORK.format(connected=0)})),
    "no tls": (
        "FIRMWARE",
        "firmware",
        4,
        lambda w: Broken({"boot.py": "import sys\nsys.modules['tls'] = sys\n"}),
    ),
}


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port: int = closed.getsockname()[1]
        return port
