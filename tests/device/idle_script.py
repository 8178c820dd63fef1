# Connect with the files in the folder given (first argument), and print what is loaded then. The
# other arguments are ports: the same client connects again there.
import binascii
import json
import sys

import urootlet

client = urootlet.connect(sys.argv[1] + "/")
loaded = sorted(name for name in sys.modules if name.startswith("urootlet"))
client.publish("rootlet/test", "idle", qos=1)
client.disconnect()
again = []
for port in sys.argv[2:]:
    client.port = int(port)
    try:
        client.connect()
        again.append(binascii.hexlify(client.session.anchor).decode())
        client.disconnect()
    except (ImportError, OSError, ValueError) as error:
        again.append(type(error).__name__)
print(json.dumps({"loaded": loaded, "again": again}))
