"""python -m engine.devnet --state DIR: run a local chain until it is stopped."""

import argparse
import sys
from pathlib import Path
from typing import get_args

from engine.devnet.ordering import Ordering
from engine.devnet.run import DevnetOptions, run_devnet
from engine.domain.errors import KetchError


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run; returns the exit code. A failure is one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m engine.devnet", description=run_devnet.__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the folder of the manifest")
    parser.add_argument("--chain", default="42161", help="which chain to imitate, by id or name")
    parser.add_argument("--rivals", type=int, default=0, help="how many bots compete")
    parser.add_argument("--seed", type=int, default=7, help="of everything that is drawn by lot")
    parser.add_argument("--lockstep", action="store_true", help="mine when the engine is done with the last block")
    parser.add_argument("--block-time-ms", type=int, default=None, help="the pace, where not the chain's own")
    parser.add_argument("--ordering", choices=get_args(Ordering), default="priority_fee", help="what orders a block")
    parser.add_argument("--rival-latency-ms", type=int, default=None, help="of every rival, where not each its own")
    parser.add_argument("--keen-rivals", action="store_true", help="rivals look at every block and borrow")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input does")
    try:
        run_devnet(DevnetOptions(**vars(parser.parse_args(argv))))
    except KetchError as error:
        sys.stderr.write(f"ketch: {error.line()}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
