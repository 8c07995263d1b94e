"""The share of the profit there is that the engine takes, beside a plain bot: the tables of docs/performance.md.

Run it: python -m benchmarks.capture, some fifteen minutes; it is `ketch bench capture`, then against keen rivals with
nothing added.
"""

import subprocess
import sys

if __name__ == "__main__":
    command = [sys.executable, "-P", "-m", "server.cli", "bench", "capture"]
    keen = ["--keen", "--added-ms", "0"]
    sys.exit(max(subprocess.run([*command, *flags], check=False).returncode for flags in ([], keen)))
