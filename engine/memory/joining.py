"""From the journal's entries to patterns: each entry adds to the pattern that its ids lead to.

Setting the same fields from the same entry again changes nothing, so a batch that a crash cut short is taken anew.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from engine.journal.canonical import Body
from engine.journal.journal import Entry
from engine.journal.projections import STATUS_OF
from engine.memory.pattern import Names, Pattern, harmless, reason_of_refusal, reason_of_revert, with_links


class Joining:
    """The patterns of a journal, and which record belongs to which."""

    def __init__(self, patterns: Iterable[Pattern], names: Names) -> None:
        self.names = names
        self.patterns: dict[str, Pattern] = {}
        self.pool_venues: dict[str, str] = {}
        self.block = 0
        self._by_link: dict[str, str] = {}
        self.changed: set[str] = set()
        """Ids of patterns that are not written yet."""
        for pattern in patterns:
            self._keep(pattern)
        self.changed.clear()

    def take(self, entry: Entry) -> None:
        """Apply one entry; kinds that say nothing of a trade change nothing."""
        step = _STEPS.get(entry.kind)
        if step is not None:
            step(self, entry.seq, entry.body)

    def of(self, record: str) -> Pattern | None:
        """Find the pattern that a record belongs to, by the id of either."""
        return self.patterns.get(self._by_link.get(record, record))

    def drop(self, pattern: Pattern) -> None:
        """Forget a pattern that a summary counts now."""
        del self.patterns[pattern.id]
        self.changed.discard(pattern.id)
        for link in (*pattern.links, pattern.tx_hash):
            self._by_link.pop(link, None)

    def put(self, pattern: Pattern) -> None:
        """Keep a pattern as it is now."""
        if self.patterns.get(pattern.id) != pattern:
            self._keep(pattern)

    def _keep(self, pattern: Pattern) -> None:
        self.patterns[pattern.id] = pattern
        self.changed.add(pattern.id)
        self.block = max(self.block, pattern.block)
        for link in pattern.links:
            self._by_link[link] = pattern.id
        if pattern.tx_hash:
            self._by_link[pattern.tx_hash] = pattern.id
        if pattern.origin == "rival" or pattern.count > 1:
            return
        if len(pattern.venues) == len(pattern.pools):
            self.pool_venues.update(zip(pattern.pools, pattern.venues, strict=True))
        elif len(pattern.venues) == 1:
            self.pool_venues.update(dict.fromkeys(pattern.pools, pattern.venues[0]))

    def venues_of(self, pools: tuple[str, ...]) -> tuple[str, ...]:
        """Name the venues of a route as far as earlier proofs told; none when a pool is not known."""
        found = tuple(self.pool_venues.get(pool, "") for pool in pools)
        return tuple(dict.fromkeys(found)) if all(found) else ()


def _genesis(joining: Joining, _seq: int, body: Body) -> None:
    for token in body.get("tokens", ()):
        joining.names.symbols[token["address"]] = harmless(token["symbol"], 24)
        joining.names.decimals[token["address"]] = int(token["decimals"])
    joining.names.native = body["native_wrapped"]


def _opportunity(joining: Joining, seq: int, body: Body) -> None:
    amount_in, out = int(body["amount_in"]), int(body["expected_out"])
    found = _seen(joining, seq, body["stamp"]["id"], body)
    joining.put(
        replace(
            found,
            strategy=body["strategy"],
            amount_in=amount_in,
            notional_wei=amount_in if found.tokens[0] == joining.names.native else None,
            expected_bps=_bps(out - amount_in, amount_in),
            expected_wei=int(body["net_wei"]),
        )
    )


def _seen(joining: Joining, seq: int, id_: str, body: Body) -> Pattern:
    block, hops = body["stamp"]["block"], body["route"]["hops"]
    pools = tuple(hop["pool"] for hop in hops)
    return Pattern(
        id=id_,
        seq=seq,
        chain=int(block["chain"]),
        block=int(block["number"]),
        time_s=int(block["timestamp_s"]),
        status="seen",
        origin="engine",
        tokens=tuple(hop["token_in"] for hop in hops),
        pools=pools,
        venues=joining.venues_of(pools),
        observed_ns=int(body["stamp"]["observed_ns"]),
    )


def _request(joining: Joining, seq: int, body: Body) -> None:
    id_ = body["stamp"]["id"]
    led = next((p for parent in body["stamp"]["parents"] if (p := joining.patterns.get(parent))), None)
    if led is None:  # an agent's trade comes from no opportunity
        led = replace(_seen(joining, seq, id_, body), strategy="agent", amount_in=int(body["amount_in"]))
    joining.put(with_links(replace(led, origin=body["origin"], principal=body["principal"]), id_))


def _proof(joining: Joining, _seq: int, body: Body) -> None:
    plan, costs = body["plan"], body["costs"]
    pattern = joining.of(plan["request"])
    if pattern is None:
        return
    gross, notional, net = body["gross_wei"], body["notional_wei"], body["net_wei"]
    bps = pattern.expected_bps
    joining.put(
        replace(
            pattern,
            capital=plan["capital"],
            venues=tuple(plan["deployments"]),
            notional_wei=None if notional is None else int(notional),
            expected_bps=_bps(int(body["realised"]), pattern.amount_in) if bps is None or gross else bps,
            expected_wei=pattern.expected_wei if net is None else int(net),
            gas_units=int(body["gas_used"]),
            base_fee_wei=int(costs["base_fee_wei"]),
            priority_fee_wei=int(costs["priority_fee_wei"]),
        )
    )


def _decision(joining: Joining, _seq: int, body: Body) -> None:
    pattern = joining.of(body["request"])
    if pattern is None:
        return
    waited_ns = int(body["stamp"]["observed_ns"]) - pattern.observed_ns
    pattern = replace(with_links(pattern, body["stamp"]["id"]), decided_us=max(waited_ns // 1_000, 0))
    if body["verdict"] == "approved":
        joining.put(with_links(pattern, body["reservation"]))
        return
    joining.put(
        replace(
            pattern,
            status="refused",
            reason=reason_of_refusal(body["rule"], body["measured"]),
            measured=harmless(body["measured"]),
            limit=harmless(body["limit"]),
        )
    )


def _intent(joining: Joining, _seq: int, body: Body) -> None:
    pattern = joining.of(body["decision_id"])
    if pattern is not None:
        joining.put(replace(with_links(pattern, body["intent_id"]), status="open", tx_hash=body["tx_hash"]))


def _outcome(joining: Joining, _seq: int, body: Body) -> None:
    pattern = joining.of(body["intent_id"])
    if pattern is None:
        return
    status, mined = STATUS_OF[body["type"]], "gas_paid_wei" in body
    filled = status == "filled"
    realised = int(body["realised"]) if filled else None
    block = body.get("block") if status != "open" else None
    joining.put(
        replace(
            pattern,
            status=status,
            reason=reason_of_revert(body["reason"]) if status == "reverted" else "",
            measured=harmless(body["reason"]) if status == "reverted" else "",
            realised_raw=realised,
            realised_bps=None if realised is None else _bps(realised, pattern.amount_in),
            realised_wei=pattern.realised_wei if filled else None,
            gas_units=int(body["gas_used"]) if mined else pattern.gas_units,
            gas_wei=int(body["gas_paid_wei"]) if mined else 0,
            landed_blocks=int(block["number"]) - pattern.block if block else None,
            tx_hash=body.get("tx_hash") or pattern.tx_hash,
        )
    )


def _release(joining: Joining, _seq: int, body: Body) -> None:
    pattern = joining.of(body["reservation"])
    if pattern is not None and body["how"] == "filled":
        joining.put(replace(pattern, realised_wei=int(body["profit_wei"])))


def _miss(joining: Joining, seq: int, body: Body) -> None:
    landed, block = body["arbitrage"], body["block"]
    swaps, amount_in = landed["swaps"], int(landed["amount_in"])
    pools = tuple(swap["pool"] for swap in swaps)
    families: dict[str, str] = {swap["pool"]: swap["family"] for swap in swaps}
    venues = tuple(dict.fromkeys(joining.pool_venues.get(pool, families[pool]) for pool in pools))
    net = body["net_wei"]
    joining.put(
        Pattern(
            id=f"miss-{seq}",
            seq=seq,
            chain=int(block["chain"]),
            block=int(block["number"]),
            time_s=int(block["timestamp_s"]),
            status="missed",
            reason=body["reason"],
            measured=harmless(body["measured"]),
            limit=harmless(body["limit"]),
            strategy="rival",
            origin="rival",
            tokens=tuple(swap["token_in"] for swap in swaps),
            pools=pools,
            venues=venues,
            amount_in=amount_in,
            notional_wei=amount_in if landed["token"] == joining.names.native else None,
            expected_bps=_bps(int(landed["amount_out"]) - amount_in, amount_in),
            expected_wei=None if net is None else int(net),
            gas_wei=int(landed["gas_wei"] or 0),
            tx_hash=landed["tx_hash"],
        )
    )


def _bps(profit: int, amount: int) -> float | None:
    return round(profit * 10_000 / amount, 3) if amount > 0 else None


_STEPS: Final[Mapping[str, Callable[[Joining, int, Body], None]]] = MappingProxyType(
    {
        "genesis": _genesis,
        "opportunity": _opportunity,
        "request": _request,
        "proof": _proof,
        "decision": _decision,
        "intent": _intent,
        "outcome": _outcome,
        "release": _release,
        "miss": _miss,
    }
)
"""Kind of entry -> what it adds."""
