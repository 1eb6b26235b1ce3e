"""Runs a command for as long as its own standard input stays open.

Whoever starts this, in a session of its own, holds the other end of that pipe. However that
process ends, by SIGKILL too, the pipe closes, and the command goes with all that it started:
asked to by SIGTERM first, killed after a grace period. It needs the standard library only, so
that `python -I -S` starts it in a few hundredths of a second.
"""

import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 2.0


def main() -> int:
    """Run the command in the arguments; return its exit status, as a shell does."""
    # A handler, not SIG_IGN: the command would inherit that one.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603  its purpose
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error.strerror}")
    threading.Thread(target=_watch, args=(command,), daemon=True).start()
    status = command.wait()
    os.killpg(0, signal.SIGTERM)  # what it may have left behind; here it does nothing
    return status if status >= 0 else 128 - status


def _watch(command: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass  # nothing is ever written: this is waiting for the end of the pipe
    os.killpg(0, signal.SIGTERM)
    try:
        command.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
