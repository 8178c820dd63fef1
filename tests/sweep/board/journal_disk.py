"""A device on CPython: a POSIX folder in memory that loses what was not flushed.

What a name means and what a file holds are kept twice: as programs see them, and as they are on
the disk. ``fsync`` of a file brings its bytes there, ``fsync`` of the folder its names. A cut
leaves what is on the disk, and any of what was still on its way: names without their bytes, and
bytes in part (POSIX promises no order; ext4 with delayed allocation really left empty files).
Stands in place of ``open`` and ``os`` in ``urootlet.session`` and ``urootlet.replace_cpython``.
"""

import io
import os

from urootlet import replace_cpython, session

_ROOT = "/device/"


class Inode:
    """The bytes of one file: as seen, and as they are on the disk."""

    def __init__(self, data=b""):
        self.seen = data
        self.kept = b""


class _Reader(io.BytesIO):
    """A file open for reading."""


class _Writer:
    """A file open for writing: unbuffered bytes of an inode."""

    def __init__(self, disk, inode):
        self._disk = disk
        self._inode = inode

    def write(self, data):
        self._disk.step("write")
        self._inode.seen += bytes(data)
        return len(data)

    def flush(self):
        """Nothing is buffered here."""

    def fileno(self):
        return self._inode

    def close(self):
        """What was written stays on its way to the disk."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class Device:
    """The folder, power off and on, and the states that a cut can leave."""

    folder = _ROOT
    checking = False
    dear = 4
    O_RDONLY = os.O_RDONLY
    path = os.path

    def __init__(self):
        self._log = []
        self._recording = False
        self._events = ()
        self._count = 0
        self.fail(-1, 0)
        self.format()
        replace_cpython.os = self
        replace_cpython.open = self.open
        session.open = self.open

    def format(self):
        self.names = {}
        self.kept = {}

    def on(self):
        """Nothing to mount."""

    def off(self):
        """Lose what is not on the disk."""
        self.restore(self.image())

    def image(self):
        """Return what is on the disk: name -> bytes."""
        return {name: inode.kept for name, inode in self.kept.items()}

    def restore(self, image):
        """Be as ``image``, all of it on the disk; what follows is not written down."""
        self._recording = False
        self.kept = {}
        for name, data in image.items():
            inode = self.kept[name] = Inode(data)
            inode.kept = data
        self.names = dict(self.kept)

    def open(self, path, mode, opener=None):
        if mode == self.O_RDONLY:
            return "folder"
        name = path[len(_ROOT) :]
        if mode == "rb":
            if name not in self.names:
                raise OSError(2, "no such file")
            return _Reader(self.names[name].seen)
        self.step("create")
        inode = self.names.setdefault(name, Inode())
        inode.seen = b""
        return _Writer(self, inode)

    def remove(self, name):
        """Lose a file."""
        del self.names[name]

    def fsync(self, what):
        """Bring a file's bytes, or the folder's names, to the disk."""
        self.step("fsync")
        if isinstance(what, Inode):
            what.kept = what.seen
        else:
            self.kept = dict(self.names)

    def replace(self, source, target):
        self.step("rename")
        source, target = source[len(_ROOT) :], target[len(_ROOT) :]
        self.names[target] = self.names.pop(source)

    def close(self, _folder):
        """Stand for ``os.close``."""

    def settle(self):
        """Have everything on the disk: for what was put there before the sweep."""
        for inode in self.names.values():
            inode.kept = inode.seen
        self.kept = dict(self.names)

    def step(self, _what):
        """Note what a cut could leave before this operation; it may fail."""
        if self._recording:
            self._log.append((self._leftovers(), len(self._events)))
        self._count += 1
        number = self._count - 1
        if self._at >= 0 and (number >= self._at if self._on else number == self._at):
            raise OSError(self._error, "operation failed")

    def fail(self, number, error, on=False):
        """Let operation ``number`` from now on fail, or ``on``: all from it on; -1 is none."""
        self._count = 0
        self._at, self._error, self._on = number, error, on

    def _leftovers(self):
        """Return every state that a cut can leave now; the first is what is surely there."""
        found = [self.image()]
        for names in (self.kept, self.names):
            whole = {name: inode.seen for name, inode in names.items()}
            found.append(whole)
            for name, inode in names.items():
                if inode.kept != inode.seen:
                    found.extend(
                        whole | {name: inode.seen[:size]} for size in range(0, len(inode.seen), 4)
                    )
                    found.append(whole | {name: inode.seen[:-1]})
        return list({tuple(sorted(one.items())): one for one in found}.values())

    @staticmethod
    def copy(image):
        """Return an image to keep."""
        return dict(image)

    def record(self, events):
        self._log = []
        self._recording = True
        self._events = events

    def changes(self):
        return len(self._log)

    def journal(self):
        return [*self._log, (self._leftovers(), 1 << 29)]

    @staticmethod
    def count(journal, fine):
        """Return how many points :meth:`points` will yield."""
        return sum(len(states if fine else states[:4]) for states, _ in journal)

    def points(self, _base, journal, fine):
        """Yield ``(operation, variant, image, events before)`` for every cut of a run."""
        for number, (states, events) in enumerate(journal):
            chosen = states if fine else states[:4]
            for variant, state in enumerate(chosen):
                yield number, variant, state, events
