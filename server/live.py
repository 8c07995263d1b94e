"""The live view of a running engine, on stderr: a panel that stays in place on a terminal, plain lines elsewhere."""

import sys
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from server.show import event_line, rounded_text, short

if TYPE_CHECKING:
    from rich.console import RenderableType

RECENT = 8
PLAIN_BLOCKS = 20
"""Without a terminal, blocks get one line in so many."""

Event = dict[str, Any]
Watch = Callable[[Event], None]


@contextmanager
def watching() -> Generator[Watch]:
    """Show the events it is given in the way that stderr can."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.live import Live

    view = View()
    with Live(console=Console(stderr=True), get_renderable=view.panel, refresh_per_second=8, transient=True):
        yield view


class Lines:
    """Plain lines: every trade and change of state, and now and then a block."""

    def __init__(self) -> None:
        self._blocks = 0
        self._decimals: dict[str, tuple[str, int]] = {}

    def __call__(self, event: Event) -> None:
        self._decimals |= token_names(event)
        if event["event"] == "block":
            self._blocks += 1
            if self._blocks % PLAIN_BLOCKS != 1:
                return
        click.echo(event_line(event, self._decimals), err=True)


class View:
    """Where the engine stands: block, pools, opportunities, trades and profit."""

    def __init__(self) -> None:
        self._now: Event = {}
        self._status: Counter[str] = Counter()
        self._realised: Counter[str] = Counter()
        self._trades: deque[Event] = deque(maxlen=RECENT)
        self._names: dict[str, tuple[str, int]] = {}
        self._opportunities = 0
        self._paper = False

    def __call__(self, event: Event) -> None:
        self._names |= token_names(event)
        self._paper = self._paper or bool(event.get("paper"))
        match event["event"]:
            case "trade":
                self._trades.append(event)
                self._status[str(event.get("status"))] += 1
                if event.get("status") == "filled" and event.get("token"):
                    self._realised[str(event["token"])] += int(event.get("realised") or 0)
            case "block":
                self._opportunities += int(event.get("opportunities") or 0)
                self._now |= event
            case _:
                self._now |= {"said": event_line(event, self._names)}

    def panel(self) -> "RenderableType":
        """Draw the panel."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        facts = Table.grid(padding=(0, 3))
        facts.add_row(
            f"block {self._now.get('number', '–')}",
            f"pools {self._now.get('pools', '–')}",
            f"opportunities {self._opportunities}",
            f"filled {self._status['filled']}",
            f"reverted {self._status['reverted']}",
        )
        profit = ", ".join(rounded_text(raw, token, self._names) for token, raw in sorted(self._realised.items()))
        latest = Table.grid(padding=(0, 2))
        for trade in self._trades:
            latest.add_row(*trade_cells(trade, self._names))
        return Panel(
            Group(facts, Text(f"profit {profit or '–'}"), latest, Text(str(self._now.get("said", "")), style="dim")),
            title="ketch PAPER" if self._paper else "ketch",
            title_align="left",
        )


def token_names(event: Event) -> dict[str, tuple[str, int]]:
    """Learn symbols and decimals from an event that lists tokens."""
    return {t["address"]: (t["symbol"], t["decimals"]) for t in event.get("tokens") or ()}


def trade_cells(trade: Event, names: dict[str, tuple[str, int]]) -> tuple[str, str, str, str]:
    """Put a trade into the cells of a row."""
    status = str(trade.get("status", ""))
    earned = rounded_text(int(trade.get("realised") or 0), str(trade.get("token")), names) if status == "filled" else ""
    return f"block {trade.get('block', '–')}", status, earned, short(str(trade.get("tx_hash", "")))
