"""Results as text for people. Symbols come from the chain, so whatever could move a terminal's cursor is taken out."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.domain.printable import printable

VIEW_PLACES = 6

Names = Mapping[str, tuple[str, int]]
"""Token address -> (symbol, decimals)."""


def amount_text(raw: int, token: str, names: Names) -> str:
    """Write a raw amount in its token's unit, or raw where the token is not known."""
    if token not in names:
        return f"{raw} raw of {short(token)}"
    symbol, decimals = names[token]
    return f"{scaled(raw, decimals)} {printable(symbol)[:24]}"


def rounded_text(raw: int, token: str, names: Names) -> str:
    """Write a raw amount for a view that moves: at most six places, cut off."""
    if token not in names:
        return amount_text(raw, token, names)
    decimals = names[token][1]
    cut = 10 ** max(decimals - VIEW_PLACES, 0)
    return amount_text(raw // cut * cut, token, names)


def scaled(raw: int, decimals: int) -> str:
    """Write `raw / 10^decimals` in full, without trailing zeros."""
    text = f"{Decimal(raw).scaleb(-decimals):f}" if raw else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def short(text: str) -> str:
    """Shorten a hash or an address."""
    return f"{text[:8]}…{text[-4:]}" if len(text) > 16 else text


def event_line(event: Mapping[str, Any], names: Names) -> str:
    """Say one event in one line."""
    match event["event"]:
        case "block":
            return (
                f"block {event.get('number')}: {event.get('pools')} pools, {event.get('opportunities')} opportunities"
            )
        case "trade":
            earned = ""
            if event.get("status") == "filled":
                earned = f" {rounded_text(int(event.get('realised') or 0), str(event.get('token')), names)}"
            return f"block {event.get('block')}: {event.get('status')}{earned} {event.get('tx_hash', '')}"
        case "started":
            where = f"chain {event.get('chain_id')} at block {event.get('block')}"
            who = f"executor {event.get('executor')}, {event.get('state')}"
            paper = "PAPER, nothing is sent: " if event.get("paper") else ""
            return f"{paper}started on {where}: {event.get('pools')} pools, {who}"
        case kind:
            rest = " ".join(f"{k}={v}" for k, v in event.items() if k != "event" and isinstance(v, str | int))
            return f"{kind} {rest}".rstrip()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Align rows in columns under a head."""
    cells = [[str(c) for c in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


WEI = {"gas_paid_wei", "net_profit_wei", "available_profit_wei", "rivals_profit_wei"}
BY_TOKEN = {"realised", "onchain_delta"}
NATIVE_DECIMALS = 18


def summary_text(summary: Mapping[str, Any], tokens: Iterable[Mapping[str, Any]]) -> str:
    """List a run's summary a line each, amounts in their tokens' units, wei in the native coin's."""
    names = {t["address"]: (t["symbol"], t["decimals"]) for t in tokens}
    shown: dict[str, Any] = {}
    for name, value in summary.items():
        if name in BY_TOKEN and isinstance(value, Mapping):
            shown[name] = ", ".join(amount_text(int(raw), token, names) for token, raw in value.items()) or "nothing"
        elif name in WEI and value is not None:
            shown[name.removesuffix("_wei")] = f"{scaled(int(value), NATIVE_DECIMALS)} of the native coin"
        elif name == "on_paper":
            shown[name] = value
        elif name == "verify":
            shown[name] = "ok" if value["ok"] else f"{len(value['findings'])} findings"
        elif isinstance(value, Mapping):
            shown[name] = ", ".join(f"{key} {n}" for key, n in value.items())
        else:
            shown[name] = value
    return facts(shown)


def facts(values: Mapping[str, Any]) -> str:
    """List a result a line each; inner tables are indented."""
    return "\n".join(_facts(values, ""))


def _facts(values: Mapping[str, Any], indent: str) -> Iterable[str]:
    width = max((len(k) for k in values), default=0)
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}"
            yield from _facts(value, indent + "  ")
        elif isinstance(value, list) and value:
            yield f"{indent}{name}"
            for item in value:
                text = "  ".join(f"{v}" for v in item.values()) if isinstance(item, Mapping) else str(item)
                yield f"{indent}  {printable(text)}"
        else:
            shown = "–" if value is None or value in ({}, []) else printable(str(value))
            yield f"{indent}{name.ljust(width)}  {shown}"
