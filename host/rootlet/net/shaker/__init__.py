"""Shaking hands to see certificates, as a program of its own: it never finishes a handshake.

Run by ``rootlet.net.handshakes`` as ``python -m rootlet.net.shaker``, with nothing but the
standard library. It is a process because Python has no other way than ``OPENSSL_CONF`` to choose
signature algorithms, which is what decides the server's certificate in TLS 1.3; and so that what
a hostile server sends meets OpenSSL in a process that holds nothing.

**Why certificates that nobody has verified do no harm here.** A probe has to show also what no
one should trust, so OpenSSL is told not to judge (CERT_NONE), here and nowhere else in rootlet.
In exchange there is never a session: TLS runs in memory, and the probe sends its ClientHello (a
second one after HelloRetryRequest), reads the server's flight, and closes the connection instead
of sending its own Finished. No application data can follow, and none is ever written; a client
certificate is never asked for in earnest, so endpoints that require one are seen as well. OpenSSL
has by then checked the server's signature over the handshake (RFC 5246 section 7.4.3, RFC 8446
section 4.4.3): the server holds the key of the certificate that it shows. Only certificates leave
this process, and ``rootlet.inspection`` judges them.

Standard input is the lease: the first line is the work (JSON), end of file ends the process.
Standard output is one JSON object a line, for each handshake.
"""
