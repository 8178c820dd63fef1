"""paho-mqtt as it should be: roots of our own, the name verified, TLS 1.2 or newer.

rootlet matrix --client 'python paho_verified.py {host} {port} {sni} {cafile} {cert} {key}'
"""

import ssl
import sys

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

host, port, name, cafile, cert, key = sys.argv[1:7]


class Context(ssl.SSLContext):
    """A verifying context; the endpoint's name is verified wherever we connect to."""

    def wrap_socket(self, sock, *args, **options):
        return super().wrap_socket(sock, *args, **{**options, "server_hostname": name})


context = Context(ssl.PROTOCOL_TLS_CLIENT)  # CERT_REQUIRED and check_hostname from the start
context.load_verify_locations(cafile)
context.load_cert_chain(cert, key)
context.minimum_version = ssl.TLSVersion.TLSv1_2
if len(sys.argv) > 7:  # the suites of the bundle's cipher profile
    context.set_ciphers(sys.argv[7])
    if "ECDSA" not in sys.argv[7] or "RSA-" not in sys.argv[7].replace("ECDSA-", ""):
        context.maximum_version = ssl.TLSVersion.TLSv1_2

client = Client(CallbackAPIVersion.VERSION2, client_id="paho-verified")
client.tls_set_context(context)
client.connect(host, int(port))
client.publish("rootlet/paho", "hello", qos=1)
client.loop_forever(retry_first_connection=False)
