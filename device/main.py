"""A first program for a board: connect with verification, say hello, and say what went wrong.

Copy it to the board with ``mpremote fs cp device/main.py :`` after ``rootlet flash``.
"""

import urootlet
from urootlet.errors import Error

try:
    client = urootlet.connect()
    client.publish("rootlet/hello", "hello", qos=1)
    print("verified:", client.session.protocol, client.session.suite)
    client.disconnect()
except Error as error:
    print(error)
    print(error.advice)
