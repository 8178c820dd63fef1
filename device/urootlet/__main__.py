"""``python -m urootlet``: the agent of a gateway; docs/gateway.md."""

import signal
import sys

if __name__ == "__main__":
    # A signal that comes while modules load waits until the agent can answer it.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    from .agent_cpython import main

    sys.exit(main())
