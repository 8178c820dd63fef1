"""The flash chip: a block device for VfsLfs2 over a file of the host.

MicroPython's extended block protocol (docs.micropython.org, ``vfs.AbstractBlockDev``). An erase
sets a whole block to 0xff, as NOR flash does. Nothing is allocated while it works: the collector
closes files with the heap locked, and littlefs then writes.
"""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors
# ruff: noqa: PTH123, SIM115

BLOCK_BYTES = 4096
_BLOCK_COUNT = 4
_BLOCK_SIZE = 5
_BLOCK_ERASE = 6


class Flash:
    """One image file of whole 4096-byte blocks, each operation going straight to the file."""

    def __init__(self, path, writable=True):
        self._file = open(path, "r+b" if writable else "rb")
        self._blocks = self._file.seek(0, 2) // BLOCK_BYTES
        self._erased = bytes(b"\xff" * BLOCK_BYTES)
        #: called as hook(operation, block, offset, buffer) before the file is touched, where
        #: operation is "read", "program" or "erase"; raising there is a failing chip.
        self.hook = None

    def readblocks(self, block, buffer, offset=0):
        """Fill ``buffer`` from ``offset`` in ``block``."""
        self._at("read", block, offset, buffer).readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        """Program ``buffer`` at ``offset``; without an offset, erase the block first."""
        if offset is None:
            self._erase(block)
            offset = 0
        self._at("program", block, offset, buffer).write(buffer)

    def ioctl(self, operation, argument):
        """Answer the block count and size, and erase a block."""
        if operation == _BLOCK_COUNT:
            return self._blocks
        if operation == _BLOCK_SIZE:
            return BLOCK_BYTES
        if operation == _BLOCK_ERASE:
            self._erase(argument)
        return 0

    def _erase(self, block):
        self._at("erase", block, 0, self._erased).write(self._erased)

    def lose_power(self, operation, torn, off):
        """Call ``off`` at that program or erase (1 is the next), ``torn`` bytes into it.

        0 is never.
        """
        left = operation

        def cut(kind, block, offset, buffer):
            nonlocal left
            left -= kind != "read"
            if left == 0:
                self._file.seek(block * BLOCK_BYTES + offset)
                self._file.write(memoryview(buffer)[:torn])
                off()

        self.hook = cut if operation else None

    def _at(self, operation, block, offset, buffer):
        if self.hook is not None:
            self.hook(operation, block, offset, buffer)
        self._file.seek(block * BLOCK_BYTES + offset)
        return self._file
