"""Which tokens may be traded: each is checked before its pools are, again when in doubt, and again after a while."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.errors import ChainError
from engine.domain.outcome import Filled, Outcome, Reverted
from engine.domain.pools import AnyPool
from engine.domain.token_verdicts import TokenVerdict
from engine.domain.units import ZERO_ADDRESS, Address, BlockRef, PoolId
from engine.journal.journal import Journal
from engine.journal.records import record_token, tokens_in
from engine.market import token_strikes
from engine.market.token_faults import Finding, judge
from engine.market.token_probe import Code, Item, codes, item_of, survey

AT_START = 64
"""How many tokens are checked before the first block: those in most pools. The others wait for their turn."""
A_BLOCK = 16
"""How many are checked after one block's decisions."""
SURE_BLOCKS = 3
"""How long a refused simulation is no reason to check again."""
_NO_CODE = Code(code_hash="", implementation=ZERO_ADDRESS)
_WAITS = "the token has not been checked yet"
_AGAIN = "the token is being checked again"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """How long a verdict holds, and how often a token's code is looked at in between, in blocks.

    `trusted` are the tokens that cycles begin in: checked as all are, and not blamed for trades that fail.
    """

    valid_blocks: int
    watch_blocks: int
    trusted: frozenset[Address]


class TokenBook:
    """Every token's verdict, as of its last check. `executor` and `operator` are whom a token would treat apart."""

    def __init__(
        self, *, endpoint: Endpoint, journal: Journal, executor: Address, operator: Address, terms: TokenTerms
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._executor = executor
        self._operator = operator
        self._terms = terms
        self._written = {verdict.token: verdict for verdict in tokens_in(journal)}
        self._verdicts: dict[Address, TokenVerdict] = {}
        self._doubted: set[Address] = set()
        self._worn: set[Address] = set()
        self._failed = ""
        self._strikes = token_strikes.Strikes(trusted=terms.trusted, window=terms.valid_blocks)
        self._watched = 0
        self.version = 0
        """Counts the changes of what is traded."""

    @property
    def verdicts(self) -> Mapping[Address, TokenVerdict]:
        return self._verdicts

    def fault(self, token: Address) -> str | None:
        """Say why a token is not traded, or None when it may be."""
        if token in self._doubted:
            return _AGAIN
        verdict = self._verdicts.get(token)
        if verdict is None:
            return f"{_WAITS}: {self._failed}" if self._failed else _WAITS
        return None if verdict.standing == "sound" else verdict.line

    def faults(self, tokens: Iterable[Address]) -> dict[Address, str]:
        """Say of each of these tokens that is not traded why."""
        return {token: why for token in tokens if (why := self.fault(token)) is not None}

    def tradable(self, pools: Mapping[PoolId, AnyPool]) -> dict[PoolId, AnyPool]:
        """Keep the pools whose every token is sound."""
        tokens = {token for pool in pools.values() for token in pool.tokens}
        refused = self.faults(tokens).keys()
        return {pool_id: pool for pool_id, pool in pools.items() if refused.isdisjoint(pool.tokens)}

    def doubt(self, tokens: Iterable[Address]) -> None:
        """Trade these no more until they have been checked again."""
        new = {t for t in tokens if t in self._verdicts and self._verdicts[t].standing == "sound"} - self._doubted
        self._doubted |= new
        self.version += bool(new)

    def ended(self, outcome: Outcome, tokens: Iterable[Address]) -> None:
        """Follow a trade's end: a revert casts doubt, too many of them weigh more than a check that finds nothing.

        While trades fill, what they go through is checked again as often as code is looked at.
        """
        if isinstance(outcome, Filled):
            passed = {*tokens}
            self._strikes.filled(passed)
            worn = outcome.block.number - self._terms.watch_blocks
            self._worn |= {t for t in passed & self._verdicts.keys() if self._verdicts[t].block.number <= worn}
        elif isinstance(outcome, Reverted):
            passed = {*tokens}
            self.doubt(passed)
            self._strike(passed, outcome.block, outcome.reason)

    def _strike(self, tokens: Iterable[Address], head: BlockRef, reason: str | None) -> None:
        """Count a failed trade, and set aside what keeps failing for as long as a verdict holds."""
        for token, measured in sorted(self._strikes.failed(tokens, head.number, reason).items()):
            verdict = self._verdicts.get(token)
            if verdict is None or verdict.standing != "sound":
                continue
            limit = f"{token_strikes.MOST_OWN} of that kind, {token_strikes.MOST} in all"
            found = Finding("set_aside", token_strikes.REASON, measured, limit)
            self._take(token, _verdict(token, found, _code_of(verdict), head))
            self.version += 1

    async def begin(self, pools: Mapping[PoolId, AnyPool], head: BlockRef) -> None:
        """Check the tokens that most of the trading needs: those that cycles begin in, then those of most pools.

        Where the node does not answer they wait, untraded. What was set aside for failing trades stays so.
        """
        held = {t: v for t, v in self._written.items() if v.reason == token_strikes.REASON}
        self._verdicts |= {t: v for t, v in held.items() if head.number < v.block.number + self._terms.valid_blocks}
        count: dict[Address, int] = {}
        for pool in pools.values():
            for token in pool.tokens:
                count[token] = count.get(token, 0) + 1
        trusted = self._terms.trusted
        ranked = sorted(count.keys() - self._verdicts.keys(), key=lambda t: (t not in trusted, -count[t], t))
        self._watched = head.number
        with contextlib.suppress(ChainError):  # the reason is kept, and the next block tries again
            await self.check(ranked[:AT_START], pools, head)

    def doubt_refused(self, tokens: Iterable[Address], head: BlockRef) -> None:
        """Doubt tokens of a trade that a simulation refused, but those that were looked at just now."""
        sure = {t for t, v in self._verdicts.items() if head.number < v.block.number + SURE_BLOCKS}
        asked = {*tokens}
        self.doubt(asked - sure)
        self._strike(asked, head, None)

    async def check_due(self, pools: Mapping[PoolId, AnyPool], head: BlockRef) -> None:
        """Check what is in doubt, changed, worn by trades, too old or new; what is traded goes before what waits.

        Raises `ChainError` when the node does not answer.
        """
        if head.number >= self._watched + self._terms.watch_blocks:
            self._watched = head.number
            await self._watch(pools, head)
        present = {token for pool in pools.values() for token in pool.tokens}
        self._doubted &= present
        self._worn &= present - self._doubted
        known = present & self._verdicts.keys() - self._doubted - self._worn
        old = [t for t in sorted(known) if self._is_old(t, head)]
        due = [*sorted(self._doubted), *sorted(self._worn), *old, *sorted(present - self._verdicts.keys())]
        await self.check(due[:A_BLOCK], pools, head)

    async def check(self, tokens: Sequence[Address], pools: Mapping[PoolId, AnyPool], head: BlockRef) -> None:
        """Check these tokens now and write down what is news. Raises `ChainError` when the node does not answer."""
        if not tokens:
            return
        before = {token: self.fault(token) is None for token in tokens}
        try:
            judged = await self._judged(tokens, pools, head)
        except ChainError as error:
            self._failed = error.line()
            raise
        self._failed = ""
        for token, verdict in judged.items():
            self._take(token, verdict)
        self.version += any(before[token] != (self.fault(token) is None) for token in tokens)

    def _take(self, token: Address, verdict: TokenVerdict) -> None:
        """Hold a verdict, and write it down when it is news."""
        self._verdicts[token] = verdict
        self._doubted.discard(token)
        self._worn.discard(token)
        if not verdict.says_the_same(self._written.get(token)):
            record_token(self._journal, verdict)
            self._written[token] = verdict

    async def _judged(
        self, tokens: Sequence[Address], pools: Mapping[PoolId, AnyPool], head: BlockRef
    ) -> dict[Address, TokenVerdict]:
        items = {token: _items(token, pools) for token in tokens}
        flat = [item for of_token in items.values() for item in of_token]
        code = dict.fromkeys(tokens, _NO_CODE)
        try:
            code = await codes(self._endpoint, tokens, at=head.hash)
            rounds = await survey(self._endpoint, flat, executor=self._executor, operator=self._operator, at=head.hash)
        except RpcError as error:
            if await self._endpoint.call("eth_getBlockByHash", head.hash, False) is None:
                raise  # the block has left the chain: that says nothing of the token, nor of the endpoint
            if len(tokens) > 1:  # one of them may be why: the others are not to wait for it
                half = len(tokens) // 2
                first = await self._judged(tokens[:half], pools, head)
                return first | await self._judged(tokens[half:], pools, head)
            refused = Finding("unknown", f"the endpoint refuses the check: {error.message[:120]}")
            return {token: _verdict(token, refused, code[token], head) for token in tokens}
        found: dict[Address, TokenVerdict] = {}
        for token in tokens:
            count = len(items[token])
            found[token] = _verdict(token, judge(items[token], rounds[:count]), code[token], head)
            rounds = rounds[count:]
        return found

    async def _watch(self, pools: Mapping[PoolId, AnyPool], head: BlockRef) -> None:
        """Doubt every token whose code is not what was checked."""
        sound = sorted(t for t, verdict in self._verdicts.items() if verdict.standing == "sound")
        now = await codes(self._endpoint, sound, at=head.hash)
        self.doubt(t for t in sound if now[t] != _code_of(self._verdicts[t]))

    def _is_old(self, token: Address, head: BlockRef) -> bool:
        verdict = self._verdicts[token]
        valid = self._terms.valid_blocks if verdict.standing != "unknown" else self._terms.watch_blocks
        return head.number >= verdict.block.number + valid


def _items(token: Address, pools: Mapping[PoolId, AnyPool]) -> list[Item]:
    """Choose the deepest pool of each way to be paid first; where depth is not told, the first by address."""
    best: dict[int, Item] = {}
    for pool_id in sorted(pools):
        if token in pools[pool_id].tokens:
            item = item_of(pools[pool_id], token)
            if item.kind not in best or (item.says_held or 0) > (best[item.kind].says_held or 0):
                best[item.kind] = item
    return [best[kind] for kind in sorted(best)]


def _verdict(token: Address, found: Finding, code: Code, head: BlockRef) -> TokenVerdict:
    return TokenVerdict(
        token=token,
        standing=found.standing,
        block=head,
        reason=found.reason,
        measured=found.measured,
        limit=found.limit,
        code_hash=code.code_hash,
        implementation=code.implementation,
    )


def _code_of(verdict: TokenVerdict) -> Code:
    return Code(code_hash=verdict.code_hash, implementation=verdict.implementation)
