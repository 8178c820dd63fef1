# How NOT to do it: umqtt.simple as many tutorials show it, with a client certificate and no
# look at the server's. `ssl=True` and micropython-lib's ssl.SSLContext do what Context does here.
#
#     rootlet matrix --port virtual --script umqtt_tutorial.py
import sys

import tls
from umqtt.simple import MQTTClient


class Context:
    def wrap_socket(self, sock, **_):
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_NONE
        with open("{folder}/cert.der", "rb") as cert, open("{folder}/key.der", "rb") as key:
            context.load_cert_chain(cert.read(), key.read())
        return context.wrap_socket(sock, server_hostname="{name}")


# umqtt.simple 1.3 imports ussl, newer ones take the object.
sys.modules["ussl"] = context = Context()
client = MQTTClient("tutorial", "{host}", {port}, ssl=context, keepalive=60)
client.connect()
client.publish("rootlet/tutorial", "hello", qos=1)
