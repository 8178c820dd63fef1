# Read every test vector. Argument: the folder that holds them and index.json.
import json
import sys

from urootlet.bundle import Bundle
from urootlet.errors import Error
from urootlet.keyset import KeySet

FOLDER = sys.argv[1]


def load(name):
    with open(FOLDER + "/" + name, "rb") as file:
        return file.read()


def answer(kind, data):
    try:
        kind(data)
    except Error as error:
        return error.code, error.detail
    return "", ""


INDEX = json.loads(load("index.json"))
for name in sorted(INDEX):
    kind = KeySet if name.endswith(".rlk") else Bundle
    data = load(name)
    code, detail = answer(kind, data)
    print("%-42s %-8s %s" % (name, code or "read", detail))
    if code != INDEX[name]:
        print("BUT EXPECTED", INDEX[name] or "read")
    if (code, detail) != answer(kind, memoryview(data)):
        print("BUT A VIEW IS READ OTHERWISE")

for name, kind in (("three-tiny-anchors.rlt", Bundle), ("two-of-three.rlk", KeySet)):
    data = load(name)
    refused = sum(answer(kind, data[:size])[0] == "FORMAT" for size in range(len(data)))
    # A file that is cut behind its keys or its records, before signatures, is a whole one.
    print(name, "cut at each byte:", refused, "of", len(data), "refused")
