"""Trading on paper: an executor, a hot key and own funds laid over a real chain, and a journal that says so."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.overlay import Overlay
from engine.chains.public import open_public
from engine.config import FILE_NAME, Settings
from engine.domain.errors import ChainError, ConfigError
from engine.domain.units import ZERO_ADDRESS, Address
from engine.execution.artifact import deploy_data, state_diff
from engine.execution.keys import PAPER_KEYS
from engine.initialise import LOCAL_CAPITAL_WEI, LOCAL_GAS_FLOAT_WEI, address_book, begin_journal, lenders_in
from engine.journal.journal import Journal
from engine.journal.papered import is_paper
from engine.risk.operator import KEYSTORE_FILE, create_operator

PAPER_PASSPHRASE = "paper, worth nothing"  # noqa: S105 - it guards a key that is published in this source
PAPER_EXECUTOR = Address("0x" + keccak(text="ketch paper executor: nobody's address")[-20:].hex())
MAPPING_SLOTS = 256
"""How many of a token's storage slots are tried for its table of balances."""

_BALANCE_OF = Function("balanceOf(address)", ("uint256",))


@asynccontextmanager
async def open_paper(settings: Settings) -> AsyncGenerator[Overlay]:
    """Connect to a chain that is not ours and lay the paper accounts over it.

    Raises `ChainError` for an endpoint that is not there, or takes no state overrides: nothing can be simulated there.
    """
    hot, treasury = paper_accounts()
    async with open_public(settings.endpoint) as beneath:
        await _check_overrides(beneath)
        lenders = lenders_in(address_book(settings))
        made = deploy_data(
            treasury,
            hot,
            lenders.balancer or ZERO_ADDRESS,
            lenders.aave or ZERO_ADDRESS,
            lenders.morpho or ZERO_ADDRESS,
        )
        code = await beneath.call("eth_call", {"data": hex_data(made)}, "latest")
        accounts: dict[Address, dict[str, Any]] = {
            PAPER_EXECUTOR: {"code": code, "stateDiff": state_diff(hot, settings.base_tokens)},
            hot: {"balance": hex(LOCAL_GAS_FLOAT_WEI)},
        }
        if settings.native_wrapped is not None:
            slot = await balance_slot(beneath, settings.native_wrapped, PAPER_EXECUTOR)
            if slot is not None:
                accounts[settings.native_wrapped] = {"stateDiff": {slot: f"0x{LOCAL_CAPITAL_WEI:064x}"}}
        yield Overlay(beneath, accounts=accounts, operator=hot, count=lambda: 0)


def paper_accounts() -> tuple[Address, Address]:
    """Name the hot key and the treasury of every engine on paper: anyone can derive them, and they hold nothing."""
    hot, treasury = (Address(Account.from_key(key).address.lower()) for key in (PAPER_KEYS.hot, PAPER_KEYS.treasury))
    return hot, treasury


async def initialise_paper(settings: Settings, *, state: Path, endpoint: Endpoint) -> None:
    """Begin a paper journal in a state folder, ACTIVE at once: there is nothing to lose.

    Without a ketch.toml one is written that names profile and chain, so that other commands find them.
    """
    hot, treasury = paper_accounts()
    if not (state / KEYSTORE_FILE).exists():
        create_operator(state, PAPER_PASSPHRASE, key=PAPER_KEYS.secret, iterations=2)
    file = state / FILE_NAME
    if not file.exists():
        file.write_text(f'profile = "paper"\nchain = "{settings.chain}"\n', encoding="utf-8")
    accounts = (PAPER_EXECUTOR, treasury, hot)
    await begin_journal(settings, state, endpoint, accounts, "ACTIVE", more={"paper": True})


def check_paper(journal: Journal, settings: Settings) -> None:
    """Keep paper and money apart: a journal of one is never traded on by the other. Raises `ConfigError`."""
    paper = is_paper(journal)
    if paper != (settings.profile == "paper"):
        held = "trades that were never sent" if paper else "real trades"
        raise ConfigError(
            f"the journal at {journal.path} is of {held}, and profile {settings.profile} would mix them with others",
            next_step="name another folder with --state, or the profile that it was begun with",
        )


async def balance_slot(endpoint: Endpoint, token: Address, holder: Address) -> str | None:
    """Find the storage slot of a holder's balance by asking with every candidate set; None where none is read.

    A mapping's value lies at keccak256(key ‖ slot) in Solidity's layout, at keccak256(slot ‖ key) in Vyper's.
    """
    candidates = [
        "0x" + keccak(encode(types, words)).hex()
        for slot in range(MAPPING_SLOTS)
        for types, words in ((("address", "uint256"), (holder, slot)), (("uint256", "address"), (slot, holder)))
    ]
    marks = {slot: f"0x{LOCAL_CAPITAL_WEI + at:064x}" for at, slot in enumerate(candidates)}
    asked = {"to": token, "data": hex_data(_BALANCE_OF.encode(holder))}
    raw = str(await endpoint.call("eth_call", asked, "latest", {token: {"stateDiff": marks}}))
    at = (int(raw, 16) if len(raw) == 66 else 0) - LOCAL_CAPITAL_WEI
    return candidates[at] if 0 <= at < len(candidates) else None


async def _check_overrides(endpoint: Endpoint) -> None:
    says_one = {PAPER_EXECUTOR: {"code": "0x600160005260206000f3"}}
    try:
        raw = str(await endpoint.call("eth_call", {"to": PAPER_EXECUTOR}, "latest", says_one))
    except RpcError as error:
        raw = error.message
    if raw != f"0x{1:064x}":
        raise ChainError(
            "the endpoint takes no state overrides: no trade can be simulated on paper there",
            measured=raw[:80],
            next_step="use another endpoint with --rpc; ketch doctor --profile paper says what each can do",
        )
