# Runs on CPython with OPENSSL_CONF, which is how a server chooses its signature algorithms: each
# line of standard input is JSON with "chain" and "key" (paths of PEM), "host" and "anchors" (hex
# DER). Shakes hands with itself, plain and strict, says what came of it, then serves the chain
# once on a port of its own. Answers JSON with that "port", and for "openssl" and "openssl-strict"
# the objection, "" for none, and the SHA-256 of the top of the path.
from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import sys
import threading


def server(chain: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:@SECLEVEL=0")  # it shows whatever it is told to
    context.load_cert_chain(chain, key)
    return context


def client(anchors: list[str], *, strict: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if strict:  # as create_default_context of Python 3.13
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    for one in anchors:
        context.load_verify_locations(cadata=bytes.fromhex(one))
    return context


def shake_hands(context: ssl.SSLContext, host: str, peer: ssl.SSLContext) -> tuple[str, str]:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(back, there, server_hostname=host)
    theirs = peer.wrap_bio(there, back, server_side=True)
    done = {ours: False, theirs: False}
    while not all(done.values()):
        for side in done:
            try:
                side.do_handshake()
                done[side] = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                return str(error), ""
    top = getattr(ours, "_sslobj").get_verified_chain()[-1]  # noqa: B009 - public since Python 3.13
    return "", hashlib.sha256(ssl.PEM_cert_to_DER_cert(top.public_bytes())).hexdigest()


def serve_once(context: ssl.SSLContext, listener: socket.socket) -> None:
    sock, _ = listener.accept()
    listener.close()
    with sock:
        sock.settimeout(10)
        with contextlib.suppress(OSError):  # the client refused: it says why
            context.wrap_socket(sock, server_side=True).close()


for line in sys.stdin:
    case = json.loads(line)
    peer = server(case["chain"], case["key"])
    told: dict[str, object] = {
        name: shake_hands(client(case["anchors"], strict=strict), case["host"], peer)
        for name, strict in (("openssl", False), ("openssl-strict", True))
    }
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    threading.Thread(target=serve_once, args=(peer, listener), daemon=True).start()
    told["port"] = listener.getsockname()[1]
    print(json.dumps(told), flush=True)
