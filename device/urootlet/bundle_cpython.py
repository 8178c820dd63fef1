"""The numbers of ``urootlet.bundle`` by name, for the host: docs/format.md explains each."""

MAGIC = b"RLT1"
MAX_SIZE = 4096
MAX_ANCHORS = 20
MAX_SIGNATURES = 5
MAX_TARGET = 32
TYPE_BUNDLE = 1
TYPE_KEY_SET = 2
ECDSA = 1
RSA = 2
RETIRE_PREVIOUS = 1
REVOKE_NOW = 2
HEADER = 18
RECORD_ANCHOR = 1
OPTIONAL = 128
KEY_ID = 8
SIGNATURE = 392
