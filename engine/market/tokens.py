"""Which tokens may be traded: each is checked before its pools are, again when in doubt, and again after a while."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.pools import AnyPool
from engine.domain.token_verdicts import TokenVerdict
from engine.domain.units import ZERO_ADDRESS, Address, BlockRef, PoolId
from engine.journal.journal import Journal
from engine.journal.records import record_token, tokens_in
from engine.market.token_faults import Finding, judge
from engine.market.token_probe import Code, Item, codes, item_of, survey

AT_START = 64
"""How many tokens are checked before the first block: those in most pools. The others wait for their turn."""
A_BLOCK = 16
"""How many are checked after one block's decisions."""
SURE_BLOCKS = 3
"""How long a refused simulation is no reason to check again."""
_CANNOT = frozenset((-32602, -32601, -32600))
"""JSON-RPC's codes for parameters and methods that an endpoint does not have: no overrides, so no check."""
_NO_CODE = Code(code_hash="", implementation=ZERO_ADDRESS)
_WAITS = "the token has not been checked yet"
_AGAIN = "the token is being checked again"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """How long a verdict holds, and how often a token's code is looked at in between, in blocks."""

    valid_blocks: int
    watch_blocks: int


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
            return _WAITS
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

    async def begin(self, pools: Mapping[PoolId, AnyPool], head: BlockRef, first: Sequence[Address]) -> None:
        """Check the tokens that most of the trading needs: `first`, then those of most pools."""
        count: dict[Address, int] = {}
        for pool in pools.values():
            for token in pool.tokens:
                count[token] = count.get(token, 0) + 1
        ranked = sorted(count, key=lambda token: (token not in first, -count[token], token))
        await self.check(ranked[:AT_START], pools, head)
        self._watched = head.number

    def doubt_refused(self, tokens: Iterable[Address], head: BlockRef) -> None:
        """Doubt tokens of a trade that a simulation refused, but those that were looked at just now."""
        sure = {t for t, v in self._verdicts.items() if head.number < v.block.number + SURE_BLOCKS}
        self.doubt({*tokens} - sure)

    async def check_due(self, pools: Mapping[PoolId, AnyPool], head: BlockRef) -> None:
        """Check what is new, in doubt, changed or too old.

        Raises `ChainError` when the node does not answer.
        """
        if head.number >= self._watched + self._terms.watch_blocks:
            self._watched = head.number
            await self._watch(pools, head)
        present = {token for pool in pools.values() for token in pool.tokens}
        self._doubted &= present
        due = sorted(self._doubted) + sorted(present - self._verdicts.keys())
        old = [t for t in sorted(present & self._verdicts.keys() - self._doubted) if self._is_old(t, head)]
        await self.check([*due, *old][:A_BLOCK], pools, head)

    async def check(self, tokens: Sequence[Address], pools: Mapping[PoolId, AnyPool], head: BlockRef) -> None:
        """Check these tokens now and write down what is news. Raises `ChainError` when the node does not answer."""
        if not tokens:
            return
        before = {token: self.fault(token) is None for token in tokens}
        for token, verdict in (await self._judged(tokens, pools, head)).items():
            self._verdicts[token] = verdict
            self._doubted.discard(token)
            if not verdict.says_the_same(self._written.get(token)):
                record_token(self._journal, verdict)
                self._written[token] = verdict
        self.version += any(before[token] != (self.fault(token) is None) for token in tokens)

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
            if error.code not in _CANNOT:
                raise  # the node's failure of the moment, not what it can do
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
