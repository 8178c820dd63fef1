"""The anchors of a bundle, which are all that a connection keeps of it."""

from .errors import Error


class Rooted:
    """What has anchors: ``data`` is a bundle, and ``anchors`` are spans in it.

    A span is ``(start, end)`` of 32 bytes SHA-256 of the original certificate, then the DER to
    load.
    """

    data: bytes
    anchors: "list[tuple[int, int]]"

    def original(self, index: int) -> bytes:
        """Return the SHA-256 of the certificate that anchor ``index`` was made from, 32 bytes."""
        start = self.anchors[index][0]
        return bytes(self.data[start : start + 32])

    def der(self, index: int) -> bytes:
        """Return the DER of anchor ``index``, a copy that can be dropped after loading."""
        start, end = self.anchors[index]
        return bytes(self.data[start + 32 : end])

    def find(self, der: "bytes | None") -> bytes:
        """Return the original's SHA-256 of the anchor that is ``der``. Errors: NOVERIFY.

        A path that ended elsewhere was not verified with these anchors.
        """
        for index in range(len(self.anchors)):
            if self.der(index) == der:
                return self.original(index)
        raise Error("NOVERIFY", "path")
