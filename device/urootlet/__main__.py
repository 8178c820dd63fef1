"""``python -m urootlet``: the agent of a gateway; docs/gateway.md."""

import sys

from .agent_cpython import main

if __name__ == "__main__":
    sys.exit(main())
