"""What the device was shipped with: a bundle and the first key set, which no rotation rewrites.

On a board it is a module, ``rootlet_factory``, which ``rootlet flash --trust-keys`` writes and
which may be frozen into the firmware. On CPython it is two files, ``factory.rlt`` and
``factory.rlk``, in the device's folder.
"""

from .errors import MICROPYTHON, const

_TYPING = const(0)


def load(folder: str) -> "tuple[bytes, bytes]":
    """Return ``(bundle, key set)``, ``b""`` for one that was not shipped."""
    if MICROPYTHON and not _TYPING:
        try:
            from rootlet_factory import BUNDLE, KEYS
        except ImportError:
            return b"", b""
        return BUNDLE, KEYS
    from .factory_cpython import load as files

    return files(folder)
