"""One pattern: an opportunity with everything that became of it, or a counted summary of many that were alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from engine.chains.executor_reverts import FOREIGN_REASONS, REASONS
from engine.domain.printable import printable
from engine.domain.units import WEI_PER_ETHER

Status = Literal["seen", "refused", "open", "filled", "reverted", "cancelled", "replaced", "missed"]
ENDED: Final = frozenset({"refused", "filled", "reverted", "cancelled", "replaced", "missed"})
FOREIGN: Final = "foreign revert"
"""What stands for a reason that a stranger's contract gave: its own words are kept apart, in `measured`."""
_RESTS: Final = "rests on a trade that was refused"
_PROVEN_REASONS: Final = frozenset(REASONS) | frozenset(FOREIGN_REASONS)
COUNT_WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
SIZES: Final = ((0.1, "tiny"), (1.0, "small"), (10.0, "medium"), (100.0, "large"), (float("inf"), "huge"))
"""Below so many of the native coin -> how the size is called."""
MARGINS: Final = ((5.0, "razor-thin"), (20.0, "thin"), (100.0, "fair"), (float("inf"), "wide"))
"""Below so many basis points of gross profit -> how the margin is called."""


class Pattern(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """What was seen on a block, asked, proved, decided and how it ended. None is unknown.

    A struct, since every entry replaces one: that costs a tenth of a dataclass's.

    Raw amounts are units of the first token, `…_wei` of the native coin. A summary has `count` above one: its wei are
    sums, its other numbers medians.
    """

    id: str
    seq: int
    chain: int
    block: int
    time_s: int
    status: Status
    reason: str = ""
    measured: str = ""
    limit: str = ""
    strategy: str = ""
    origin: str = ""
    principal: str = ""
    tokens: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    capital: str = ""
    amount_in: int = 0
    notional_wei: int | None = None
    expected_bps: float | None = None
    expected_wei: int | None = None
    realised_raw: int | None = None
    realised_bps: float | None = None
    realised_wei: int | None = None
    gas_units: int | None = None
    gas_wei: int = 0
    base_fee_wei: int | None = None
    priority_fee_wei: int | None = None
    decided_us: int | None = None
    """From the sight of it to the decision, by the engine's clock: 0 in lockstep, where only blocks move that."""
    landed_blocks: int | None = None
    """From its block to the one that holds its transaction."""
    links: tuple[str, ...] = ()
    """Ids of its records: request, decision, reservation, intent."""
    tx_hash: str = ""
    observed_ns: int = 0
    count: int = 1

    @property
    def hops(self) -> int:
        return len(self.pools)

    @property
    def net_wei(self) -> int | None:
        """Profit less gas; a trade that failed has its gas alone, what was never sent has nothing."""
        if self.status == "filled":
            return None if self.realised_wei is None else self.realised_wei - self.gas_wei
        return -self.gas_wei if self.status in ("reverted", "cancelled", "replaced") else None

    @property
    def size(self) -> str:
        return "" if self.notional_wei is None else _word(SIZES, self.notional_wei / WEI_PER_ETHER / self.count)

    @property
    def margin(self) -> str:
        return "" if self.expected_bps is None else _word(MARGINS, self.expected_bps)


def _word(steps: tuple[tuple[float, str], ...], value: float) -> str:
    return next(word for below, word in steps if value < below)


def reason_of_refusal(rule: str, measured: str) -> str:
    """Name why a request was refused, in our own words alone."""
    if rule != "simulation":
        return rule
    if measured == _RESTS:
        return "simulation: rests on another"
    return f"simulation: {reason_of_revert(measured)}"


def reason_of_revert(said: str) -> str:
    """Name why a call reverted: the contract's own reason or a known protocol's, else that it was foreign."""
    return said if said in _PROVEN_REASONS else FOREIGN


@dataclass(slots=True)
class Names:
    """What the genesis says of tokens: address -> symbol and decimals. Others go by the start of their address."""

    native: str = ""
    symbols: dict[str, str] = field(default_factory=dict[str, str])
    decimals: dict[str, int] = field(default_factory=dict[str, int])

    def symbol(self, address: str) -> str:
        """Return what a token is called here."""
        return self.symbols.get(address, address[:10])

    def amount(self, raw: int, token: str) -> str:
        """Write an amount in whole units where they are known."""
        known = self.decimals.get(token)
        return f"{raw} raw {self.symbol(token)}" if known is None else f"{raw / 10**known:.6g} {self.symbol(token)}"


def spoken(name: str) -> str:
    """Make a deployment's or a capital's name into words: uniswap_v3 is "uniswap v3"."""
    return name.replace("_", " ")


def part(column: str, word: str, names: Names) -> str:
    """Say one part of a pattern in words of its own, for its vector: what is in a column, without a number."""
    match column:
        case "token":
            return f"{names.symbol(word)} token"
        case "venue" | "capital":
            return f"{spoken(word)} {column}"
        case "legs":
            return f"{COUNT_WORDS[min(int(word), len(COUNT_WORDS) - 1)]} hops"
        case "size" | "margin":
            return f"{word} {column}"
        case "reason":
            meaning = (REASONS | FOREIGN_REASONS).get(word.removeprefix("simulation: "), "")
            return f"{word} {meaning}"
        case _:
            return _SAID.get(word, word)


def sentence(pattern: Pattern, names: Names) -> str:
    """Say it in one sentence with its numbers, as it is stored and shown."""
    token = pattern.tokens[0] if pattern.tokens else ""
    route = " → ".join(names.symbol(t) for t in (*pattern.tokens, token))
    head = f"{pattern.count} times from block" if pattern.count > 1 else "Block"
    said = [f"{head} {pattern.block}: {_who(pattern)} {pattern.hops}-hop cycle {route}"]
    if pattern.venues:
        said.append(f"over {', '.join(pattern.venues)}")
    said.append(f"with {names.amount(pattern.amount_in, token)}")
    if pattern.capital:
        said.append(f"of {spoken(pattern.capital)} capital")
    if pattern.expected_bps is not None:
        said.append(f"expecting {pattern.expected_bps:.1f} bps")
    tail = _how(pattern)
    if pattern.status == "filled" and pattern.realised_raw is not None:
        bps = "" if pattern.realised_bps is None else f" ({pattern.realised_bps:.1f} bps)"
        tail += f", earned {names.amount(pattern.realised_raw, token)}{bps}, gas {pattern.gas_wei} wei"
    return f"{' '.join(said)}; {tail}."


_SAID: Final[Mapping[str, str]] = {
    "agent": "an agent asked for it",
    "rival": "a rival took it",
    "engine": "the engine itself",
    "seen": "seen and not asked for",
    "open": "sent and still open",
    "missed": "missed, taken by somebody else",
    "filled": "filled with a profit",
}


def _who(pattern: Pattern) -> str:
    return {"agent": "an agent's", "rival": "a rival's"}.get(pattern.origin, "the engine's")


def _how(pattern: Pattern) -> str:
    told = f": {pattern.reason}" if pattern.reason else ""
    return f"{pattern.status}{told}"


_DECODER: Final = msgspec.json.Decoder(Pattern)


def to_json(pattern: Pattern) -> str:
    """Write a pattern whole but for what is unknown or nothing; ints keep every digit."""
    return msgspec.json.encode(pattern).decode()


def of_json(text: bytes | str) -> Pattern:
    """Read a pattern back; raises `msgspec.ValidationError` for one that another version wrote."""
    return _DECODER.decode(text)


def with_links(pattern: Pattern, *links: str) -> Pattern:
    """Add ids of its records."""
    return msgspec.structs.replace(pattern, links=tuple(dict.fromkeys((*pattern.links, *links))))


def harmless(text: str, limit: int = 160) -> str:
    """Keep printable ASCII of what a stranger may have written, cut."""
    return printable(text[:limit].encode("ascii", "replace").decode("ascii"), instead="?")
