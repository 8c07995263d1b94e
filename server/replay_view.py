"""A replay as text: a table on a terminal, plain lines anywhere else."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from server.show import facts

ROW = ("block", "then", "now", "ended", "")


def text(value: Mapping[str, Any]) -> str:
    """Show a replay block by block, then in total."""
    rows = list(_rows(value))
    total = facts({name: shown for name, shown in value.items() if name not in ("steps", "differences")})
    if sys.stdout.isatty():
        return _table(rows) + total
    return "\n".join([*("  ".join(part for part in row if part) for row in rows), total])


def _rows(value: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    for step in value["steps"]:
        what = "" if step["what"] == "BlockSeen" else f" {step['what'].lower()}"
        then, now = "; ".join(step["then"]), "; ".join(step["now"])
        ends = ", ".join(end["how"] for end in step["ended_now"])
        marks = [] if step["same"] else ["DIFFERS"]
        marks += [f"not recorded, {line}" for line in step["quoted"]]
        same = "as then" if step["same"] and then else now
        yield f"block {step['block']}{what}", then or "–", same, ends, "; ".join(marks)


def _table(rows: list[tuple[str, str, str, str, str]]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*ROW, show_lines=False)
    for row in rows:
        table.add_row(*(Text(cell, style="bold red" if "DIFFERS" in row[-1] else "") for cell in row))
    written = StringIO()
    Console(file=written, force_terminal=True).print(table)
    return written.getvalue()
