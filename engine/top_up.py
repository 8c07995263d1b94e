"""Bring the hot key's gas float to a target: say what is to be sent, and on a local chain let the faucet send it."""

import json
from pathlib import Path
from typing import Any

from engine.chain_actions import Action, perform
from engine.chains.endpoints import open_endpoint
from engine.config import MANIFEST_NAME, Settings
from engine.domain.errors import ChainError, ConfigError
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.operators import operator_now
from engine.journal.papered import is_paper
from engine.pace import RealTime
from engine.queries.balances import balances_on, endpoints_of
from engine.risk.versions import version_in_force

TARGET_WARNINGS = 2
"""Without a target the float is brought to so many times what it is warned below."""


async def top_up(settings: Settings, *, state: Path, target_wei: int | None) -> dict[str, Any]:
    """Say how much native coin the hot key lacks to `target_wei`; only a local chain's faucet sends any.

    Raises `ChainError` when the balance is not known.
    """
    with Journal.read(state / JOURNAL_FILE) as journal:
        if is_paper(journal):
            raise ConfigError(
                "an engine on paper burns no gas", next_step="send nothing to its hot key: it is published"
            )
        operator = operator_now(journal).address
        max_gas_wei = version_in_force(journal).terms.risk.max_gas_wei
    warn_below_wei = settings.wallet.warn_below_trades * max_gas_wei
    target = TARGET_WARNINGS * warn_below_wei if target_wei is None else target_wei
    chain = str(settings.chain)
    (row,) = await balances_on({chain: endpoints_of(settings)[chain]}, operator, warn_below_wei=warn_below_wei)
    if row["native"] is None:
        raise ChainError("the hot key's balance is not known", measured=row["why_unknown"], next_step="check rpc")
    held = int(row["native"]["wei"])
    short = max(target - held, 0)
    local = settings.profile == "devnet"
    if local and short:
        faucet_key = json.loads((state / MANIFEST_NAME).read_bytes())["faucet_key"]
        async with open_endpoint(settings.ws) as endpoint:
            sent = [Action(to=operator, data=b"", value_wei=short)]
            await perform(endpoint, settings.chain_id, faucet_key, sent, RealTime())
    told = (
        f"send {short} wei on {chain} to {operator}, from any account: the key can burn it as gas, so no more than that"
    )
    return {
        "operator": operator,
        "chain_id": int(settings.chain_id),
        "held_wei": str(held),
        "target_wei": str(target),
        "send_wei": str(short),
        "sent": local and short > 0,
        "next": "the faucet sent it" if local and short else told if short else "nothing: the float is enough",
    }
