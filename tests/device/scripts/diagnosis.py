# Which code each library error becomes, by stage. Arguments: bundle, RSA leaf, EC leaf (DER).
import sys

from urootlet import diagnose
from urootlet.advice import ADVICE
from urootlet.bundle import Bundle

BLOBS = []
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        BLOBS.append(file.read())
BUNDLE = Bundle(BLOBS[0])


class Context:
    """What a handshake saw."""

    def __init__(self, leaf):
        self.leaf = self.top = leaf


def tell(name, error, leaf=None):
    found = diagnose.tls(error, BUNDLE, Context(leaf))
    print(name, found.code, found.code in ADVICE)


MBED_ROOT = "\nThe certificate is not correctly signed by the trusted CA"
tell("clock", ValueError("\nThe certificate validity starts in the future"))
tell("expired", ValueError("\nThe certificate validity has expired"))
tell("name", ValueError("\nThe certificate Common Name (CN) does not match with the expected CN"))
tell("root", ValueError(MBED_ROOT))
tell("root, same family", ValueError(MBED_ROOT), BLOBS[1])
tell("other family", ValueError(MBED_ROOT), BLOBS[2])
tell("no anchors", OSError(-30336, "MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED"))
tell("no name", ValueError("CERT_REQUIRED requires server_hostname"))
tell("memory", MemoryError("memory allocation failed"))
tell("memory in mbedTLS", OSError(-17168, "MBEDTLS_ERR_RSA_PRIVATE_FAILED+MPI_ALLOC_FAILED"))
tell("no memory", OSError(12))
tell("plain text", OSError(-29184, "MBEDTLS_ERR_SSL_INVALID_RECORD"))
tell("alert at once", OSError(-30592, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"))
tell("alert after the chain", OSError(-30592, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"), BLOBS[1])
tell("closed after the chain", OSError(104), BLOBS[1])
tell("reset at once", OSError(104))
tell("time-out", OSError(110))
for where in ("", "TLSv1.2"):
    context = Context(None)
    context.fault, context.protocol = None, where
    found = diagnose.explain(MemoryError("memory allocation failed"), BUNDLE, None, context)
    print("memory outside TLS", found.code)
print("no CONNACK", diagnose.mqtt(OSError(104), "TLSv1.2").code)
print("alert in TLS 1.3", diagnose.mqtt(OSError(-30592, "FATAL_ALERT"), "TLSv1.3").code)
