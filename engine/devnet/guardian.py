"""End a process when the one that started it is gone, however it went.

The parent holds the write end of this process's standard input and never writes: end of file means that the parent
no longer lives. It is the way that works on every system; Linux has a signal for it too, see `node`.
"""

import contextlib
import sys

import psutil

GRACE_S = 2.0


def guard(pid: int, created_s: float) -> None:
    """Wait for the end of standard input, then end process `pid` if it is still the one created at `created_s`."""
    sys.stdin.buffer.read()
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if abs(process.create_time() - created_s) > 1.0 or process.status() == psutil.STATUS_ZOMBIE:
            return  # the number was given to another process since, or it has ended and nobody asked after it
        process.terminate()
        try:
            process.wait(GRACE_S)
        except psutil.TimeoutExpired:
            process.kill()


if __name__ == "__main__":
    guard(int(sys.argv[1]), float(sys.argv[2]))
