"""The TLS front as a program of its own: it ends TLS, and carries the bytes to the broker.

Run by ``rootlet.lab.front`` as ``python -m rootlet.lab_front``, with nothing but the standard
library, in processes of its own because two things hold for a whole process: ``OPENSSL_CONF``,
the only way that Python has to choose signature algorithms, and that its limits and its load
stay apart from a test's. It is no part of the package ``lab``, whose imports cost it 0.2 s.

Standard input is the lease: the first line holds the settings (``Settings`` as JSON), the line
``drain`` ends accepting and the process after its last connection, and end of file ends it at
once, so that it does not outlive whoever started it. Standard output is one JSON object a line
for each event: ``ready``, ``open``, ``refused``, ``fault``, ``closed``, ``draining``.
"""
