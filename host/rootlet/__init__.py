"""Minimal CA trust bundles for AWS IoT devices, and their safe rotation."""

__version__ = "0.1.0"
