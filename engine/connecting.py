"""What an engine checks before it trusts an endpoint with its business: chain, executor, hot key and lenders."""

from engine.chains.endpoints import Endpoint, redacted
from engine.config import Settings
from engine.domain.errors import ChainError, ConfigError
from engine.domain.units import Address
from engine.journal.operators import OperatorTerm
from engine.planning.capital import Lenders


async def check_chain(endpoint: Endpoint, settings: Settings) -> None:
    """Check that the endpoint serves the chain that is meant; raises `ConfigError`."""
    found = int(await endpoint.call("eth_chainId"), 16)
    if found != settings.chain_id:
        raise ConfigError(
            f"{redacted(settings.rpc)} is another chain",
            measured=f"chain id {found}",
            limit=f"{settings.chain_id} ({settings.chain})",
            next_step="correct rpc, or chain",
        )


async def check_identity(endpoint: Endpoint, executor: Address, term: OperatorTerm, hot: Address) -> None:
    """Check that the hot key is the journal's, and that its executor stands; raises `ConfigError`, `ChainError`."""
    if hot != term.address:
        raise ConfigError(
            "the hot key is not the one of this journal",
            measured=hot,
            limit=term.address,
            next_step="restore the hot key that the journal signs with",
        )
    if len(await endpoint.call("eth_getCode", executor, "latest")) <= 2:
        raise ChainError(
            f"there is no executor at {executor} on this chain",
            next_step="this state folder belongs to another chain or an earlier local one: choose another --state",
        )


async def standing(endpoint: Endpoint, named: Lenders) -> Lenders:
    """Keep the lenders that have code on this chain."""
    given = (named.balancer, named.aave, named.morpho)
    asked = [a for a in given if a is not None]
    codes = await endpoint.batch([("eth_getCode", (a, "latest")) for a in asked])
    standing = {a for a, code in zip(asked, codes, strict=True) if len(code) > 2}
    balancer, aave, morpho = (a if a in standing else None for a in given)
    return Lenders(balancer=balancer, aave=aave, morpho=morpho)
