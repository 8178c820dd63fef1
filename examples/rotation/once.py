"""One connection with replaceable trust, and what came of it: for `mpremote run`, or a test."""

import urootlet
from urootlet.errors import Error

rotation = urootlet.rotating(
    hooks={"on_error": lambda error: print("failed:", error.code, error.detail)}
)
try:
    client = rotation.connect()
    client.publish(rotation.identity.config.thing + "/level", "42", qos=1)
    client.disconnect()
    print("served, floor", rotation.status()["floor"])
except Error as error:
    print(error)
    print(error.advice)
