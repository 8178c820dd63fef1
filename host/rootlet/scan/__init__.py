"""Trust material in any bytes: certificates, bare keys of CAs, and pins, each with its offset.

Nothing here knows of files or of what is good: bytes in, :class:`~rootlet.scan.seen.Seen` out.
``scan.binary`` goes over any size in windows; ``scan.text`` adds what only source text has.
"""
