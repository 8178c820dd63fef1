"""A device on MicroPython: its own VfsLfs2 on a flash chip in memory, every change written down.

The chip has 4096-byte blocks and behaves as NOR flash does: an erase sets a block to 0xff, and a
program can only clear bits. Nothing is allocated while it works: the collector closes files with
the heap locked, and littlefs then writes.
"""

import array
import io
import os

import vfs

_BLOCK = 4096
_BLOCKS = 16
_PROGRAM = 0
_ERASE = 1
_READ = 2
_FIELDS = 6
_LOGGED = 6000  # operations
_ROOT = "/device"
#: Littlefs programs its cache of at most 128 bytes, in units of 32.
_BLANK = {size: b"\xff" * size for size in (32, 64, 96, 128)}
_SCRATCH = {size: bytearray(size) for size in _BLANK}
_ERASED = b"\xff" * _BLOCK


class Chip:
    """The bytes of the flash, a log of what changed them, and one operation that may fail."""

    def __init__(self):
        self.bytes = io.BytesIO(_ERASED * _BLOCKS)
        self.log = array.array("I", [0] * (_FIELDS * _LOGGED))
        self.data = io.BytesIO(bytes(1 << 20))
        self.logged = 0
        self.recording = False
        self.events = ()
        self.count = 0
        #: The operation with this number returns ``error`` and changes nothing.
        self.fail_at = -1
        self.error = -5
        self.fail_on = False

    def failing(self, kind):
        """Count an operation; whether it is the one that fails."""
        if kind == _READ:
            return False
        self.count += 1
        if self.fail_on and self.fail_at >= 0:
            return self.count > self.fail_at
        return self.count - 1 == self.fail_at

    def program(self, block, offset, buffer):
        """Clear the bits that are 0 in ``buffer``."""
        self._note(_PROGRAM, block, offset, len(buffer))
        if self.recording:
            self.data.write(buffer)
        self.put(block * _BLOCK + offset, buffer)

    def put(self, at, buffer):
        """Program without a note."""
        size = len(buffer)
        blank = _BLANK.get(size)
        if blank is None:
            raise ValueError("a program of another size")
        scratch = _SCRATCH[size]
        chip = self.bytes
        chip.seek(at)
        chip.readinto(scratch)
        chip.seek(at)
        if scratch == blank:
            chip.write(buffer)
            return
        index = 0
        while index < size:
            scratch[index] &= buffer[index]
            index += 1
        chip.write(scratch)

    def erase(self, block):
        """Set a block to 0xff."""
        self._note(_ERASE, block, 0, _BLOCK)
        self.bytes.seek(block * _BLOCK)
        self.bytes.write(_ERASED)

    def _note(self, kind, block, offset, size):
        if not self.recording:
            return
        at = self.logged * _FIELDS
        log = self.log
        log[at] = kind
        log[at + 1] = block
        log[at + 2] = offset
        log[at + 3] = size
        log[at + 4] = self.data.tell()
        log[at + 5] = len(self.events)
        self.logged += 1


class Handle:
    """The block device of one mount; it dies with its power, and no late close comes through."""

    def __init__(self, chip):
        self._chip = chip
        self.alive = True

    def readblocks(self, block, buffer, offset=0):
        if not self.alive or self._chip.failing(_READ):
            return -5
        chip = self._chip.bytes
        chip.seek(block * _BLOCK + offset)
        chip.readinto(buffer)
        return 0

    def writeblocks(self, block, buffer, offset=0):
        if not self.alive:
            return -5
        if self._chip.failing(_PROGRAM):
            return self._chip.error
        self._chip.program(block, offset, buffer)
        return 0

    def ioctl(self, operation, argument):
        if operation == 4:
            return _BLOCKS
        if operation == 5:
            return _BLOCK
        if operation == 6:
            if not self.alive:
                return -5
            if self._chip.failing(_ERASE):
                return self._chip.error
            self._chip.erase(argument)
        return 0


class Device:
    """Power on, power off, and the images that a cut can leave."""

    folder = _ROOT + "/"
    open = staticmethod(open)
    #: True while the checker reads: no fault is meant for it.
    checking = False
    #: Operations of this storage for one of a flash.
    dear = 1

    def __init__(self):
        self.chip = Chip()
        self._handle = None

    def format(self):
        self.off()
        self.chip.bytes.seek(0)
        self.chip.bytes.write(_ERASED * _BLOCKS)
        vfs.VfsLfs2.mkfs(Handle(self.chip))

    def on(self):
        """Mount; raises OSError when the file system does not."""
        self.off()
        self._handle = Handle(self.chip)
        vfs.mount(vfs.VfsLfs2(self._handle), _ROOT)

    def off(self):
        """Take the power away: what is not on the flash is lost."""
        if self._handle is not None:
            self._handle.alive = False
            self._handle = None
            vfs.umount(_ROOT)

    def image(self):
        """Return all bytes of the flash."""
        return self.chip.bytes.getvalue()

    @staticmethod
    def copy(image):
        """Return an image to keep; what :meth:`points` yields changes."""
        return bytes(image)

    def settle(self):
        """Nothing is on its way: a closed file is on the flash."""

    def restore(self, image):
        """Be as ``image``, without power; what follows is not written down."""
        self.off()
        self.chip.recording = False
        self.chip.bytes.seek(0)
        self.chip.bytes.write(image)

    def files(self):
        """Return the names of all files."""
        return os.listdir(_ROOT)

    def remove(self, name):
        os.remove(self.folder + name)

    def record(self, events):
        """Write down every change from here on, and how many ``events`` there were before it."""
        self.chip.logged = 0
        self.chip.recording = True
        self.chip.data.seek(0)
        self.chip.events = events

    def changes(self):
        """Return how many operations changed the flash since :meth:`record`."""
        return self.chip.logged

    def fail(self, number, error, on=False):
        """Let operation ``number`` from now on fail, or ``on``: all from it on; -1 is none."""
        self.chip.count = 0
        self.chip.fail_at = number
        self.chip.error = -error
        self.chip.fail_on = on

    def journal(self):
        """Return the log of the recorded run, to keep while other runs are recorded."""
        self.chip.recording = False
        size = self.chip.data.tell()
        self.chip.data.seek(0)
        data = bytearray(size)
        self.chip.data.readinto(data)
        return self.chip.log[: self.chip.logged * _FIELDS], data

    @staticmethod
    def count(journal, fine):
        """Return how many points :meth:`points` will yield."""
        log = journal[0]
        found = 1
        for at in range(0, len(log), _FIELDS):
            found += 1 + len(_torn(log[at], log[at + 3], fine))
        return found

    def points(self, base, journal, fine):
        """Yield ``(operation, torn at, image, events before)`` for every cut of a run.

        Before each operation; ``fine``: after every 4 bytes of each program and every 64 of each
        erase, and with the last byte of a program unwritten. Else: torn once, in the middle.
        """
        log, data = journal
        image = bytearray(base)
        for number in range(len(log) // _FIELDS):
            kind, block, offset, size, at, events = log[number * _FIELDS : (number + 1) * _FIELDS]
            start = block * _BLOCK + offset
            before = bytes(image[start : start + size])
            if kind == _ERASE:
                after = _ERASED
            else:
                after = bytes(x & y for x, y in zip(before, data[at : at + size]))
            yield number, 0, image, events
            for torn in _torn(kind, size, fine):
                image[start : start + torn] = after[:torn]
                yield number, torn, image, events
                image[start : start + torn] = before[:torn]
            image[start : start + size] = after
        yield len(log) // _FIELDS, 0, image, 1 << 29


def _torn(kind, size, fine):
    if not fine:
        return (size // 2 & ~3,)
    if kind == _ERASE:
        return range(64, size, 64)
    return list(range(4, size, 4)) + [size - 1]
