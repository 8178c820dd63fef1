"""Which release of the package this is. A module of its own: most programs never ask."""

VERSION = "0.1.0"
