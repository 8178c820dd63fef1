# Which key sets and bundles a device takes. Arguments: the folder that holds keysets.txt (chains
# of key sets), offers.txt (a key set and a bundle) and good.rlk (a set of three keys, signed).
import sys

from urootlet import keyset
from urootlet.bundle import Bundle
from urootlet.errors import Error
from urootlet.keyset import KeySet

FOLDER = sys.argv[1]


def unhex(text):
    return bytes(int(text[at : at + 2], 16) for at in range(0, len(text), 2))


def answer(function, *arguments):
    try:
        function(*arguments)
    except Error as error:
        return error.code + ": " + error.detail
    return "taken"


def walk(name, files):
    current = None
    for data in files:
        try:
            found = KeySet(data)
        except Error as error:
            print(name, "|", error.code, error.detail)
            return
        if current is None:
            said = answer(keyset.check_self, found)
        else:
            said = answer(keyset.check_next, current, found)
        print(name, "|", found.version, said)
        if said != "taken":
            return
        current = found


with open(FOLDER + "/keysets.txt") as file:
    for line in file:
        name, *files = line.rstrip("\n").split("\t")
        walk(name, [unhex(one) for one in files])

with open(FOLDER + "/offers.txt") as file:
    for line in file:
        name, keys, offered = line.rstrip("\n").split("\t")
        said = answer(keyset.check_bundle, KeySet(unhex(keys)), Bundle(unhex(offered)))
        print("offer,", name, "|", said)


class Numbered:
    def __init__(self, key_set, sequence):
        self.key_set = key_set
        self.sequence = sequence


for floor, offered in (
    ((0, 0), (0, 0)),
    ((0, 0), (1, 1)),
    ((1, 0), (1, 1)),
    ((1, 5), (1, 4)),
    ((1, 5), (1, 5)),
    ((1, 5), (1, 6)),
    ((1, 5), (1, 1005)),
    ((1, 5), (1, 1006)),
    ((1, 5), (1, 4294967295)),
    ((1, 4294967295), (1, 4294967295)),
    ((1, 4294967295), (2, 1)),
    ((1, 5), (2, 0)),
    ((1, 5), (2, 1000)),
    ((1, 5), (2, 1001)),
    ((1, 5), (3, 1)),
    ((2, 1), (1, 6)),
    ((2, 1), (1, 4294967295)),
):
    said = answer(keyset.check_order, Numbered(*offered), floor)
    print("floor %d.%d, offered %d.%d |" % (floor + offered), said)

with open(FOLDER + "/good.rlk", "rb") as file:
    GOOD = file.read()
NUMBERS = 6 + GOOD[5]
KEYS = NUMBERS + 4
SIGNED = KEYS + 3 * 384


def changed(pos, *values):
    return GOOD[:pos] + bytes(values) + GOOD[pos + len(values) :]


def key(number):
    return GOOD[KEYS + 384 * number : KEYS + 384 * (number + 1)]


def with_keys(threshold, *keys):
    return GOOD[: NUMBERS + 2] + bytes((threshold, len(keys))) + b"".join(keys)


def records(count):
    return b"".join(bytes((number,)) + bytes(391) for number in range(count))


def tell(name, data):
    print("form,", name, "|", answer(KeySet, data))


tell("good", GOOD)
tell("as a view", memoryview(GOOD))
tell("nothing", b"")
tell("a bundle", changed(4, 1))
tell("wrong magic", changed(0, 0x50))
tell("no target", changed(5, 0))
tell("target in capitals", changed(6, 0x41))
tell("version 0", changed(NUMBERS, 0, 0))
tell("version 65535", changed(NUMBERS, 0xFF, 0xFF))
tell("threshold 0", changed(NUMBERS + 2, 0))
tell("threshold 4 of 3", changed(NUMBERS + 2, 4))
tell("no keys", with_keys(1))
tell("no keys, threshold 0", with_keys(0))
tell("six keys", with_keys(1, *[key(0)] * 6))
tell("a key twice", with_keys(1, key(0), key(0)))
tell("keys out of order", with_keys(1, key(1), key(0)))
tell("one key", with_keys(1, key(2)))
tell("an even modulus", with_keys(1, key(0)[:-1] + b"\x02"))
tell("a modulus of 3071 bits", with_keys(1, b"\x7f" + key(0)[1:]))
tell("a byte behind the signatures", GOOD + b"\x00")
tell("the same signature twice", GOOD + GOOD[-392:])
tell("ten signatures", GOOD[:SIGNED] + records(10))
tell("eleven signatures", GOOD[:SIGNED] + records(11))
tell("longer than any", GOOD + bytes(6145 - len(GOOD)))

refused = []
for size in range(len(GOOD)):
    try:
        KeySet(GOOD[:size])
    except Error as error:
        refused.append(error.code)
print("cut at each byte: %d of %d refused" % (refused.count("FORMAT"), len(GOOD)))
