"""Files as they are found: trees, archives, key stores and file system images, all hostile.

Nothing is written beside them and nothing of them is run. What a library in C has to read goes
to a process of its own, with limits on time and memory (``unpack.child``).
"""
