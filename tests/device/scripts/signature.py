# Which signatures the verifier takes. Argument: a file of "name, modulus, signature, digest".
import sys

from urootlet import keyset


def unhex(text):
    return bytes(int(text[at : at + 2], 16) for at in range(0, len(text), 2))


with open(sys.argv[1]) as file:
    for line in file:
        name, modulus, signed, digest = line.rstrip("\n").split("\t")
        taken = keyset.verify(unhex(modulus), memoryview(unhex(signed)), unhex(digest))
        print("right" if taken else "WRONG", "-", name)

ONE = b"\xff" * 384
print("id of the key of ones:", "".join("%02x" % byte for byte in keyset.key_id(ONE)))
