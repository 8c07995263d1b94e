"""The toolset "wallet": addresses, balances, nonces, what is pending. There is no key here to give."""

from engine.chains.abi import Function
from engine.chains.multicall import read_all
from engine.config import Settings
from engine.domain.units import Address
from engine.journal.operators import operator_now
from engine.params import Nothing
from engine.principals import Principal
from engine.queries import views
from engine.queries.balances import balances_on, endpoints_of
from engine.queries.running import Answer, Running

_BALANCE_OF = Function("balanceOf(address)", ("uint256",))


async def wallet(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Show the engine's accounts as of the newest block: what each is for, what it holds, and the hot key's nonces."""
    here = engine.composition
    genesis, head = here.journal.genesis, here.loop.market.head
    roles = {
        "operator": "hot key: signs executions and pays their gas; holds nothing else",
        "executor": "contract that trades; pays nobody but the treasury",
        "treasury": "cold: the only address that is ever paid",
    }
    accounts = {role: Address(genesis[role]) for role in roles} | {"operator": operator_now(here.journal).address}
    tokens = [Address(token["address"]) for token in genesis["tokens"]]
    await engine.learn(tokens)
    held = {role: await _holdings(engine, address, tokens) for role, address in accounts.items()}
    asked = [("eth_getBalance", (address, hex(head.number))) for address in accounts.values()]
    asked.append(("eth_getTransactionCount", (accounts["operator"], hex(head.number))))
    *coins, mined = await here.endpoint.batch(asked)
    rows = [
        {
            "role": role,
            "what": roles[role],
            "address": address,
            "native": views.wei(int(coin, 16)),
            "tokens": held[role],
        }
        for (role, address), coin in zip(accounts.items(), coins, strict=True)
    ]
    pending = [
        {
            "intent": trade.submission.intent_id,
            "tx_hash": trade.submission.tx_hash,
            "nonce": trade.submission.nonce,
            "submitted_block": trade.submission.submitted_block,
        }
        for trade in here.desk.open.values()
    ]
    return {
        "block": views.block(head),
        "gas_float": here.gas_float.shown(),
        "chains": await balances_on(
            endpoints_of(engine.settings), accounts["operator"], warn_below_wei=warn_below_wei(engine.settings)
        ),
        "accounts": rows,
        "operator_secret": genesis["operator_secret"],
        "nonces": {"mined": int(mined, 16), "next": here.desk.next_nonce},
        "pending": pending,
        "untrusted": views.labels(tokens, engine.tokens),
    }


def warn_below_wei(settings: Settings) -> int:
    """Say below what the gas float is short: what some trades may cost at their worst."""
    return settings.wallet.warn_below_trades * settings.risk.max_gas_wei


async def offline_wallet(settings: Settings, operator: Address) -> Answer:
    """Show the hot key's balance on every chain when no engine runs."""
    chains = await balances_on(endpoints_of(settings), operator, warn_below_wei=warn_below_wei(settings))
    return {"operator": operator, "chains": chains}


async def _holdings(engine: Running, holder: Address, tokens: list[Address]) -> list[views.View]:
    head = engine.composition.loop.market.head
    answers = await read_all(engine.composition.endpoint, [(t, _BALANCE_OF, (holder,)) for t in tokens], head.hash)
    raws = [(token, int(answer[0]) if answer else 0) for token, answer in zip(tokens, answers, strict=True)]
    return [views.amount(raw, token, engine.tokens) for token, raw in raws if raw]
