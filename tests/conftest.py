"""What all tests share."""

import signal

from hypothesis import settings

# A script that starts `make test` in the background ignores Ctrl-C for it, and nohup the end of
# the terminal, and a service may block signals; so would every program that a test starts and
# then ends that way.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, ())

# The same examples in every run: a test that fails must fail again. Exploring is for `make soak`
# and `make fuzz`.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

pytest_plugins = [
    "fixtures_board",
    "fixtures_chip",
    "fixtures_device",
    "fixtures_jobs",
    "fixtures_signing",
    "fixtures_aws",  # uses fixtures_jobs, whose assertions must be rewritten first
]
