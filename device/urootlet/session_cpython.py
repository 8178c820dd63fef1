"""What :mod:`urootlet.session` takes of CPython, in one import: a board's bytes are counted."""

from .mqtt_cpython import dial
from .replace_cpython import reader as open  # noqa: A004 - a refusal is no loss
from .tls_cpython import Context

__all__ = ["Context", "dial", "open"]
