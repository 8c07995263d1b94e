"""Print the figures of the documents: `python -m benchmarks`, or only some by name: `python -m benchmarks scan`.

Each runs in a process of its own, so that none warms another's caches; ratios are against a peer in the same run.
"""

import subprocess
import sys

BENCHMARKS = {
    "scan": "a rescan after a block, against plain Python",
    "gas_table": "gas of whole transactions by route and capital source",
    "capture": "the share of the profit there is that the engine takes from rivals, beside a plain bot",
}


def main(names: list[str]) -> int:
    """Run the benchmarks named, or all; returns 1 when one fails, 2 for a name that is none."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    failed = False
    for name in names or BENCHMARKS:
        print(f"# {name}: {BENCHMARKS[name]}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
