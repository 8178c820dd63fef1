"""The control connection: a handshake with both sets, after a trial that failed."""

import socket

from .errors import const

_TYPING = const(0)
if _TYPING:
    from .bundle import Bundle
    from .session import Identity


class Union:
    """What a TLS context wants of a bundle: the first one's profile, the anchors of both."""

    def __init__(self, first: "Bundle", second: "Bundle") -> None:
        self.profile = first.profile
        self.anchors: "list[tuple[Bundle, int]]" = []
        seen = []
        for one in (first, second):
            for index in range(len(one.anchors)):
                original = one.original(index)
                # One that both have counts once: OpenSSL's store keeps no certificate twice.
                if original not in seen:
                    seen.append(original)
                    self.anchors.append((one, index))

    def der(self, index: int) -> bytes:
        """Return the DER of an anchor."""
        one, index = self.anchors[index]
        return one.der(index)

    def original(self, index: int) -> bytes:
        """Return the SHA-256 of an anchor's original."""
        one, index = self.anchors[index]
        return one.original(index)


def handshake(identity: "Identity", bundle: "Bundle") -> bytes:
    """Do a handshake and nothing more; return the original's SHA-256 of the anchor used."""
    context = identity.context(bundle)
    sock = socket.socket()
    try:
        sock.settimeout(identity.config.timeout)
        sock.connect(identity.resolve())
        context.wrap_socket(sock).close()
    except Exception as error:  # noqa: BLE001 - libraries raise anything; it becomes one Error
        raise identity.explain(error, bundle, context)
    finally:
        sock.close()
    return context.watch.anchor
