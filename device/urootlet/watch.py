"""What one handshake showed: the certificates that the verifier looked at, then the result."""

from .errors import Error, const

_TYPING = const(0)
if _TYPING:
    from .bundle import Bundle


class Watch:
    """Filled by a TLS backend during one handshake, and a client's ``session`` afterwards.

    ``top`` is the highest certificate of the path (the anchor itself on success) and ``leaf``
    the server's own, DER or ``None``. On success ``top`` is dropped, ``protocol`` and ``suite``
    are set, and ``anchor`` is the SHA-256 of the original root, 32 bytes.
    """

    top: "bytes | None" = None
    leaf: "bytes | None" = None
    protocol = suite = ""
    anchor = b""

    def observe(self, der: bytes, depth: int) -> int:
        """Note a certificate: mbedTLS calls this from the top of the path down to the leaf, 0.

        The return value 0 vetoes nothing; it cannot turn a refusal into a success either.
        """
        if self.top is None:
            self.top = bytes(der)
        if depth == 0:
            self.leaf = bytes(der)
        return 0

    def finish(self, bundle: "Bundle", suite: str, protocol: str) -> None:
        """Note the result. Raises NOVERIFY unless the path ended at an anchor of ``bundle``."""
        self.suite = suite
        self.protocol = protocol
        for index in range(len(bundle.anchors)):
            if bundle.der(index) == self.top:
                self.anchor = bundle.original(index)
                self.top = None
                return
        raise Error("NOVERIFY", "the path ended elsewhere")
