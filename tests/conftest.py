"""What all tests share."""

import signal

# A script that starts `make test` in the background ignores Ctrl-C for it, and so for every
# program that a test starts and then interrupts: such a test would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["fixtures_board", "fixtures_device", "fixtures_jobs", "fixtures_signing"]
