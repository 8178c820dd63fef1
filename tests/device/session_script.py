# Connect with the files in the folder given (first argument) and print what happened as JSON.
# A second argument is a message to publish on rootlet/test.
import binascii
import json
import sys

import urootlet
from urootlet.errors import Error

try:
    client = urootlet.connect(sys.argv[1] + "/")
    if len(sys.argv) > 2:
        client.publish("rootlet/test", sys.argv[2], qos=1)
    client.disconnect()
    seen = client.session
    result = {
        "protocol": seen.protocol,
        "suite": seen.suite.replace("-", "_"),
        "anchor": binascii.hexlify(seen.anchor).decode(),
    }
except Error as error:
    result = {"code": error.code, "detail": error.detail, "advice": error.advice}
print(json.dumps(result))
