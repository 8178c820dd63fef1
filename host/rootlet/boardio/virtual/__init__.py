"""A board without hardware: real MicroPython, littlefs, TLS and sockets behind a pty."""

from __future__ import annotations

from rootlet.boardio.virtual.board import ESP32_HEAP_BYTES, FLASH_BYTES, VirtualBoard

__all__ = ["ESP32_HEAP_BYTES", "FLASH_BYTES", "VirtualBoard"]
