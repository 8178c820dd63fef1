# Start the agent again and again, in a process of its own each time, and send it a signal at
# other calls of Python functions, evenly spread over all that it does.
# Arguments: the signal, how many times, and those of the agent. Prints the exit statuses as JSON.
import json
import os
import runpy
import sys

NUMBER, TIMES = int(sys.argv[1]), int(sys.argv[2])
seen = {"ready": False, "calls": 0}


def start(at):
    """Be the agent, and get the signal at call number ``at``."""

    def watch(frame, event, _argument):
        if event == "return" and frame.f_code.co_name == "pthread_sigmask":
            seen["ready"] = True  # before it, an interpreter is starting, which nobody can help
        if seen["ready"] and event == "call":
            seen["calls"] += 1
            if seen["calls"] == at:
                os.kill(os.getpid(), NUMBER)

    sys.argv[:] = ["urootlet", *sys.argv[3:]]
    sys.setprofile(watch)
    runpy.run_module("urootlet", run_name="__main__", alter_sys=True)


def forked(at):
    """Return the exit status, and how many calls there were."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        try:
            start(at)
        finally:
            sys.setprofile(None)
            os.write(sending, b"%d" % seen["calls"])
    os.close(sending)
    with os.fdopen(receiving) as pipe:
        calls = int(pipe.read() or 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), calls


status, total = forked(0)
found = [forked(1 + total * one // TIMES)[0] for one in range(TIMES)]
print(json.dumps({"never": status, "found": found, "calls": total}))
