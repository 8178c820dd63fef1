"""Python's own TLS server, as anyone writes it: CERTIFICATE, CA and CIPHERS; prints its port.

Each MQTT CONNECT is accepted (3.1.1, 3.2); the rest of a connection is read and forgotten.
"""

import asyncio
import ssl
import sys


async def serve(reader, writer):
    try:
        await reader.read(1024)
        writer.write(b"\x20\x02\0\0")
        while await reader.read(1024):
            pass
    except OSError:
        pass
    writer.close()


async def main(certificate, ca, ciphers):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    context.load_cert_chain(certificate)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
