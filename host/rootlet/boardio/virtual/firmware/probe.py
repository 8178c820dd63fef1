"""Says whether this interpreter can be a virtual board, by using what a board needs.

Prints its version and the year of its clock, such as ``1.25.0 2000``; raises on what is missing.
"""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors
# ruff: noqa: I001, T201, UP031

import sys
import time

import ffi
import termios
import tls
import vfs

context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
needed = (ffi.open, termios.tcsetattr, vfs.VfsLfs2, context.verify_callback)
version = sys.implementation.version
if version < (1, 24):
    raise SystemExit(1)
print("%d.%d.%d" % version[:3], time.gmtime()[0])
