"""Results as text for people. Symbols come from the chain, so whatever could move a terminal's cursor is taken out."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

Names = Mapping[str, tuple[str, int]]
"""Token address -> (symbol, decimals)."""


def amount_text(raw: int, token: str, names: Names) -> str:
    """Write a raw amount in its token's unit, or raw where the token is not known."""
    if token not in names:
        return f"{raw} raw of {short(token)}"
    symbol, decimals = names[token]
    return f"{scaled(raw, decimals)} {printable(symbol)}"


def scaled(raw: int, decimals: int) -> str:
    """Write `raw / 10^decimals` in full, without trailing zeros."""
    text = f"{Decimal(raw).scaleb(-decimals):f}" if raw else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def short(text: str) -> str:
    """Shorten a hash or an address."""
    return f"{text[:8]}…{text[-4:]}" if len(text) > 16 else text


def printable(text: str) -> str:
    """Keep what cannot disturb a terminal, at most 24 characters."""
    return "".join(c for c in text if c.isprintable())[:24]


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
                earned = f" {amount_text(int(event.get('realised') or 0), str(event.get('token')), names)}"
            return f"trade {event.get('status')}{earned} {event.get('tx_hash', '')}"
        case kind:
            rest = " ".join(f"{k}={v}" for k, v in event.items() if k != "event" and isinstance(v, str | int))
            return f"{kind} {rest}".rstrip()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Align rows in columns under a head."""
    cells = [[str(c) for c in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


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
                yield f"{indent}  {printable_line(text)}"
        else:
            shown = "–" if value is None or value in ({}, []) else printable_line(str(value))
            yield f"{indent}{name.ljust(width)}  {shown}"


def printable_line(text: str) -> str:
    """Keep what cannot disturb a terminal."""
    return "".join(c for c in text if c.isprintable())
