# Every way in which a bundle can be wrong, and the byte that is named. Argument: a good bundle.
import sys

from urootlet.bundle import Bundle
from urootlet.errors import Error

with open(sys.argv[1], "rb") as file:
    GOOD = file.read()
TARGET = GOOD[5]
HEADER = 6 + TARGET
BODY = HEADER + 18


def changed(pos, *values):
    return GOOD[:pos] + bytes(values) + GOOD[pos + len(values) :]


def with_body(body):
    return GOOD[: BODY - 2] + len(body).to_bytes(2, "big") + body


def record(tag, value):
    return bytes((tag,)) + len(value).to_bytes(2, "big") + value


def tell(name, data):
    try:
        Bundle(data)
        print(name, "accepted")
    except Error as error:
        print(name, error.code, error.detail)


FIRST = GOOD[BODY : BODY + 3 + int.from_bytes(GOOD[BODY + 1 : BODY + 3], "big")]
SECOND = GOOD[BODY + len(FIRST) :]

tell("good", GOOD)
tell("as a view", memoryview(GOOD))
tell("empty", b"")
tell("too long", GOOD + bytes(4097 - len(GOOD)))
tell("trailing byte", GOOD + b"\x00")
tell("wrong magic", changed(0, 0x50))
tell("key set", changed(4, 2))
tell("no target", changed(5, 0))
tell("long target", changed(5, 33))
tell("target in capitals", changed(6, 0x41))
tell("numbered, unsigned", changed(HEADER + 5, 1))
tell("key set without signature", changed(HEADER + 1, 1))
tell("ends before it begins", changed(HEADER + 10, 0, 0, 0, 1))
tell("profile 0", changed(HEADER + 14, 0))
tell("profile 4", changed(HEADER + 14, 4))
tell("flags 4", changed(HEADER + 15, 4))
tell("body runs past the end", changed(HEADER + 16, 0xFF, 0xFF))
tell("no anchors", with_body(b""))
tell("one anchor", with_body(FIRST))
tell("anchor twice", with_body(FIRST + FIRST))
tell("anchors out of order", with_body(SECOND + FIRST))
tell("unknown critical record", with_body(FIRST + record(2, b"x")))
tell("unknown optional record", with_body(FIRST + record(0x80, b"x")))
tell("optional record twice", with_body(FIRST + record(0x80, b"x") + record(0x80, b"x")))
tell("anchor after another record", with_body(record(0x80, b"x") + FIRST))
tell("record cut off", with_body(FIRST + b"\x80"))
tell("anchor of 32 bytes", with_body(record(1, bytes(32))))
tell("anchor is not DER", with_body(record(1, bytes(40))))
tell("anchor with a trailing byte", with_body(record(1, FIRST[3:] + b"\x00")))
tell("half a signature", GOOD + bytes(200))
tell("signed without a number", GOOD + bytes(392))
tell("two signatures, one key", changed(HEADER, 0, 1, 0, 0, 0, 1) + bytes(784))
tell("signed and numbered", changed(HEADER, 0, 1, 0, 0, 0, 1) + bytes(392))
tell(
    "six signatures",
    changed(HEADER, 0, 1, 0, 0, 0, 1) + b"".join(bytes((n,)) + bytes(391) for n in range(6)),
)

wrong = 0
for size in range(len(GOOD)):
    try:
        Bundle(GOOD[:size])
        print("accepted when cut at", size)
    except Error as error:
        wrong += error.code == "FORMAT"
print("cut at each byte:", wrong, "of", len(GOOD), "refused")
