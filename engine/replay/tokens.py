"""The tokens' verdicts in a replay: a check of then is made again, any other leaves the verdict as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.chains.recorded import RecordedEndpoint
from engine.domain.pools import AnyPool
from engine.domain.token_verdicts import TokenVerdict
from engine.domain.units import Address, BlockRef, PoolId
from engine.journal.journal import Journal
from engine.market.tokens import TokenBook, TokenTerms


class RecordedTokens(TokenBook):
    """Believes what was found last of a token whose check nobody made then: no quote says how a token behaves."""

    def __init__(
        self,
        endpoint: RecordedEndpoint,
        *,
        journal: Journal,
        executor: Address,
        operator: Address,
        terms: TokenTerms,
    ) -> None:
        super().__init__(endpoint=endpoint, journal=journal, executor=executor, operator=operator, terms=terms)
        self._recorded = endpoint

    async def _judged(
        self, tokens: Sequence[Address], pools: Mapping[PoolId, AnyPool], head: BlockRef
    ) -> dict[Address, TokenVerdict]:
        refused = self._recorded.refusals
        found = await super()._judged(tokens, pools, head)
        if self._recorded.refusals == refused:
            return found
        held = {token: replace(self.verdicts[token], block=head) for token in tokens if token in self.verdicts}
        return found | held
