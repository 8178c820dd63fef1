"""``python -m urootlet``: the agent of a gateway; docs/gateway.md."""

import sys

from .signals_cpython import hold

if __name__ == "__main__":
    hold()
    from .agent_cpython import main

    sys.exit(main())
