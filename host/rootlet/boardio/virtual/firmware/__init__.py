"""What runs on the virtual board: MicroPython source, started by ``rootlet.boardio.virtual``.

``start.py`` is the first file that the interpreter runs; the others are its parts. They use
only what MicroPython 1.24 and newer has. None of this is imported on the host.
"""
