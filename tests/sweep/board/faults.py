"""A MemoryError where the store opens, reads or writes a file."""

from urootlet import session as session_module
from urootlet import store as store_module


class Faults:
    """A MemoryError at one of the opens, reads and writes of the store."""

    def __init__(self, device, number):
        self.device = device
        self.number = number
        self.count = 0

    def arm(self):
        self._usual = getattr(session_module, "open", self.device.open)
        session_module.open = store_module.open = self.open

    def disarm(self):
        session_module.open = store_module.open = self._usual

    def hit(self):
        if self.device.checking:
            return
        self.count += 1
        if self.count - 1 == self.number:
            raise MemoryError

    def open(self, path, mode):
        self.hit()
        return _File(self, self.device.open(path, mode))


class _File:
    """A file whose reads and writes may find no memory."""

    def __init__(self, faults, file):
        self._faults = faults
        self._file = file

    def read(self, *size):
        self._faults.hit()
        return self._file.read(*size)

    def write(self, data):
        self._faults.hit()
        return self._file.write(data)

    def seek(self, at):
        return self._file.seek(at)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
