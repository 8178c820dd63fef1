"""The numbers of docs/format.md, and the names of a device's files, for the host and for tests.

Device modules have them folded in, so that a board's memory holds no name of theirs; a test
compares the two.
"""

from .bundle import Bundle as Bundle  # noqa: PLC0414 - who reads a bundle wants its numbers too

MAGIC = b"RLT1"
TYPE_BUNDLE = 1
TYPE_KEY_SET = 2
MAX_TARGET = 32

# A bundle.
MAX_SIZE = 4096
MAX_ANCHORS = 20
MAX_SIGNATURES = 5
ECDSA = 1
RSA = 2
RETIRE_PREVIOUS = 1
REVOKE_NOW = 2
HEADER = 18
RECORD_ANCHOR = 1
OPTIONAL = 128

# A key set.
MAX_KEY_SET = 6144
MAX_KEYS = 5
MAX_KEY_SET_SIGNATURES = 10

# A key and a signature.
KEY = 384
KEY_ID = 8
SIGNATURE = 392

# The folder of a device; the flashed bundle is the slot ``ta`` of a rotation.
BUNDLE_FILE = "ta"
CERTIFICATE_FILE = "cert.der"
KEY_FILE = "key.der"
SETTINGS_FILE = "rootlet.json"
