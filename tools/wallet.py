"""The toolset "wallet": addresses, balances, nonces, pending transactions. No tool returns a key."""

from typing import Any

from tools.shapes import Block, Labels, Rows
from tools.spec import READS, Ask, Shown, ToolSpec


class Wallet(Shown):
    """The engine's accounts: what each is for and holds."""

    block: Block
    accounts: Rows
    gas_float: dict[str, Any]
    chains: Rows
    nonces: dict[str, Any]
    pending: Rows
    untrusted_symbols: Labels


async def wallet_overview(ask: Ask) -> Wallet:
    """Use to see the hot key's, the executor's and the treasury's balances, gas on every chain, and what is pending.

    Example: {}
    """
    return Wallet.of(await ask("wallet", {}))


TOOLS = (ToolSpec(run=wallet_overview, title="Wallet", hints=READS),)
