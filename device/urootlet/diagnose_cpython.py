"""What OpenSSL says, for ``urootlet.diagnose``: lines of a code and a part of the message."""

VERIFIER = """
CLOCK not yet valid
NAME ostname mismatch
NAME not valid for
ROOT unable to get
ROOT self-signed
ROOT self signed
ROOT signature failure
ROOT CERTIFICATE_VERIFY_FAILED"""
TLS = """
NOROOTS CA_CHAIN_REQUIRED
PORT WRONG_VERSION_NUMBER
PORT HTTP_REQUEST
TLSPOLICY UNSUPPORTED_PROTOCOL"""
