"""Make a state folder that can trade: keys, the executor on the chain, and the journal's first entry."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eth_account import Account

from engine.chain_actions import Action, head_of, perform
from engine.chains.abi import Function
from engine.chains.endpoints import Endpoint
from engine.chains.executor_calls import encode_list_profit_token
from engine.chains.multicall import read_all
from engine.config import Settings
from engine.domain.commands import TradingState
from engine.domain.errors import ConfigError
from engine.domain.ports import Pace
from engine.domain.units import ZERO_ADDRESS, Address, BlockRef
from engine.execution.artifact import deploy_data
from engine.execution.keys import local_keys
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_state
from engine.key_sources import hot_address_or_new, hot_key
from engine.market.sync import read_tokens
from engine.planning.capital import Lenders
from engine.risk.operator import KEYSTORE_FILE, check_secret, create_operator, operator_address
from engine.venues.deployments import ADDRESS_BOOKS, AddressBook, address_in

_BALANCE_OF = Function("balanceOf(address)", ("uint256",))
_TRANSFER = Function("transfer(address,uint256)", ("bool",))

LOCAL_PASSPHRASE = "local chain, worth nothing"  # noqa: S105 - it guards a key that anyone can derive from the seed
LOCAL_GAS_FLOAT_WEI = 5 * 10**18
LOCAL_CAPITAL_WEI = 2 * 10**17  # 0.2 of the wrapped native coin: the first user's $600
DEPLOY_GAS = 4_500_000


def address_book(settings: Settings) -> AddressBook:
    """Name the protocols' contracts: the configuration's where it names any, else the chain's published ones."""
    return settings.deployments or ADDRESS_BOOKS[settings.chain_id]


def lenders_in(book: AddressBook) -> Lenders:
    """Read the lenders out of an address book."""
    return Lenders(
        balancer=address_in(book, "balancer_v2", "vault"),
        aave=address_in(book, "aave_v3", "pool"),
        morpho=address_in(book, "morpho_blue", "morpho"),
    )


async def initialise_local(
    settings: Settings, *, state: Path, seed: int, faucet_key: str, endpoint: Endpoint, pace: Pace
) -> None:
    """Set up on a local chain with throw-away keys that its seed makes, funded by its faucet; trading starts ACTIVE."""
    keys = local_keys(seed)
    hot, treasury = (Address(Account.from_key(key).address.lower()) for key in (keys.hot, keys.treasury))
    if not (state / KEYSTORE_FILE).exists():
        create_operator(state, LOCAL_PASSPHRASE, key=keys.secret, iterations=2)
    receipts = await perform(
        endpoint,
        settings.chain_id,
        faucet_key,
        [
            Action(to=hot, data=b"", value_wei=LOCAL_GAS_FLOAT_WEI),
            Action(to=treasury, data=b"", value_wei=LOCAL_GAS_FLOAT_WEI),
            _deployment(settings, treasury, hot),
        ],
        pace,
    )
    executor = Address(receipts[-1]["contractAddress"].lower())
    native = _native(settings)
    await perform(
        endpoint,
        settings.chain_id,
        faucet_key,
        [Action(to=native, data=_TRANSFER.encode(executor, LOCAL_CAPITAL_WEI))],
        pace,
    )
    listing = [Action(to=executor, data=encode_list_profit_token(token, True)) for token in settings.base_tokens]
    await perform(endpoint, settings.chain_id, keys.treasury, listing, pace)
    await begin_journal(settings, state, endpoint, (executor, treasury, hot), "ACTIVE")


async def initialise_live(
    settings: Settings, *, state: Path, secret: str, key_passphrase: Callable[[], str], endpoint: Endpoint, pace: Pace
) -> dict[str, Any]:
    """Set up on a live chain, as far as it can go: keys first, and the executor once the hot key can pay for it.

    Running it again goes on where it stopped. Trading starts HALTED. Raises `ConfigError` for what the operator
    must first decide.
    """
    if settings.treasury is None:
        raise ConfigError(
            "no treasury is set",
            next_step='name the cold address that alone will be paid: treasury = "0x…" in ketch.toml',
        )
    _native(settings)
    if (state / JOURNAL_FILE).exists():
        raise ConfigError(f"{state} is initialised already", next_step="start it: ketch up")
    if (state / KEYSTORE_FILE).exists():
        check_secret(state, secret)
    else:
        create_operator(state, secret)
    hot = hot_address_or_new(settings, state=state, passphrase=key_passphrase)
    balance = int(await endpoint.call("eth_getBalance", hot, "latest"), 16)
    head = await endpoint.call("eth_getBlockByNumber", "latest", False)
    needed = 2 * DEPLOY_GAS * int(head.get("baseFeePerGas", "0x0"), 16)
    if settings.executor is None and balance < needed:
        return {
            "operator": hot,
            "treasury": settings.treasury,
            "executor": None,
            "next": f"send {needed} wei or more to the hot key {hot} for gas, then run ketch init again",
        }
    executor = settings.executor
    if executor is None:
        key = hot_key(settings, state=state, passphrase=key_passphrase)
        deployment = _deployment(settings, settings.treasury, hot)
        receipts = await perform(endpoint, settings.chain_id, key, [deployment], pace)
        executor = Address(receipts[0]["contractAddress"].lower())
    await begin_journal(settings, state, endpoint, (executor, settings.treasury, hot), None)
    return {
        "operator": hot,
        "treasury": settings.treasury,
        "executor": executor,
        "treasury_calls": [
            {"to": executor, "data": "0x" + encode_list_profit_token(token, True).hex(), "lists": token}
            for token in settings.base_tokens
        ],
        "next": "send the treasury's calls from the treasury, then start with ketch up, and ketch resume",
    }


def _deployment(settings: Settings, treasury: Address, hot: Address) -> Action:
    lenders = lenders_in(address_book(settings))
    data = deploy_data(
        treasury,
        hot,
        lenders.balancer or ZERO_ADDRESS,
        lenders.aave or ZERO_ADDRESS,
        lenders.morpho or ZERO_ADDRESS,
    )
    return Action(to=None, data=data, gas=DEPLOY_GAS)


def _native(settings: Settings) -> Address:
    if settings.native_wrapped is None or settings.native_wrapped not in settings.base_tokens:
        raise ConfigError(
            "the wrapped native coin must be set, and be one of base_tokens",
            measured=settings.native_wrapped,
            next_step="set native_wrapped and base_tokens in ketch.toml",
        )
    return settings.native_wrapped


async def begin_journal(
    settings: Settings,
    state: Path,
    endpoint: Endpoint,
    accounts: tuple[Address, Address, Address],
    trading: TradingState | None,
    *,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write the genesis, `more` in it where a profile has more to say, and the trading state if one is given."""
    executor, treasury, hot = accounts
    head = await head_of(endpoint, settings.chain_id)
    tokens = await read_tokens(endpoint, settings.base_tokens, head.hash)
    genesis: dict[str, Any] = {
        "format": 1,
        "chain_id": settings.chain_id,
        "executor": executor,
        "treasury": treasury,
        "operator": hot,
        "operator_secret": operator_address(state),
        "policy": settings.risk.model_dump(),
        "policy_hash": settings.risk.digest(),
        "agents": settings.terms.agents.model_dump(),
        "start_block": head.number,
        "native_wrapped": settings.native_wrapped,
        "tokens": list(tokens.values()),
        "balances_at_start": await balances(endpoint, list(tokens), (executor, treasury), head),
        **(more or {}),
    }
    with Journal.open(state / JOURNAL_FILE, genesis=genesis) as journal:
        if trading is not None:
            record_state(journal, trading, principal="local", reason="there is nothing to lose", block=head)


async def balances(
    endpoint: Endpoint, tokens: list[Address], holders: tuple[Address, ...], at: BlockRef
) -> dict[str, str]:
    """Add up each token's raw balances over the holders at one block, as decimal strings."""
    answers = await read_all(endpoint, [(t, _BALANCE_OF, (h,)) for t in tokens for h in holders], at.hash)
    each = [int(answer[0]) if answer else 0 for answer in answers]
    step = len(holders)
    return {token: str(sum(each[i * step : (i + 1) * step])) for i, token in enumerate(tokens)}
