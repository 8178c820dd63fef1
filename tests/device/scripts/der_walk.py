# What the DER reader sees in certificates, and what it refuses. Arguments: DER files.
import sys

from urootlet import der, facts
from urootlet.errors import Error

for name in sys.argv[1:]:
    with open(name, "rb") as file:
        data = file.read()
    seen = der.Certificate(data, 0, len(data))
    print(
        facts.common_name(data, seen.subject),
        "by",
        facts.common_name(data, seen.issuer),
        "v%d" % seen.version,
        facts.family(seen),
        seen.is_ca(),
    )

for name, data in (
    ("nothing", b""),
    ("tag alone", b"\x30"),
    ("indefinite length", b"\x30\x80\x00\x00"),
    ("long form of a short length", b"\x30\x81\x01\x00"),
    ("leading zero in a length", b"\x30\x82\x00\x81" + bytes(129)),
    ("four length bytes", b"\x30\x84\x01\x00\x00\x00"),
    ("length past the end", b"\x30\x05\x00"),
    ("not a sequence", b"\x31\x00"),
    ("trailing byte", b"\x30\x00\x00"),
    ("empty certificate", b"\x30\x00"),
):
    try:
        der.Certificate(data, 0, len(data))
        print(name, "accepted")
    except Error as error:
        print(name, error.code, error.detail)

# Of lengths only the shortest form, up to three bytes of it, and nothing past the end.
for name, data in (
    ("127 in the long form", b"\x04\x81\x7f" + bytes(127)),
    ("128 in the long form", b"\x04\x81\x80" + bytes(128)),
    ("255 in two bytes", b"\x04\x82\x00\xff" + bytes(255)),
    ("65,536 bytes", b"\x04\x83\x01\x00\x00" + bytes(65536)),
    ("65,536 bytes but one", b"\x04\x83\x01\x00\x00" + bytes(65535)),
    ("16,777,216 bytes", b"\x04\x84\x01\x00\x00\x00"),
    ("a length cut off", b"\x04\x82\x01"),
):
    try:
        print(name, der.element(data, 0, len(data)))
    except Error as error:
        print(name, error.code, error.detail)
