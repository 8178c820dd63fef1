# Runs on MicroPython: one handshake for each line of standard input, which is JSON with "port",
# "host" and "anchors" (hex DER). Answers JSON: the objection, "" for none, and the SHA-256 of
# the top of the path.
import binascii
import hashlib
import json
import socket
import sys

import tls


def answer(port, host, anchors):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    for one in anchors:
        context.load_verify_locations(bytes.fromhex(one))
    path = []
    context.verify_callback = lambda der, depth: path.append(bytes(der)) or 0
    sock = socket.socket()
    try:
        sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        context.wrap_socket(sock, server_hostname=host).close()
    except (OSError, ValueError) as error:
        return str(error) or repr(error), ""
    finally:
        sock.close()
    return "", binascii.hexlify(hashlib.sha256(path[0]).digest()).decode()


while True:
    line = sys.stdin.readline()
    if not line:
        break
    print(json.dumps(answer(**json.loads(line))))
