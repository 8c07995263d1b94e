"""A token's round trip, simulated: out of a real pool, on to another address, pulled, and back, with nothing deployed.

The probe contract (contracts/token_probe.vy) stands at the executor's own address by a code override, so that a token
that treats us apart shows it; each round is run under several conditions by block overrides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from engine.chains.abi import hex_data, words
from engine.chains.compiled import compiled
from engine.chains.endpoints import Endpoint
from engine.domain.errors import ChainError
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool
from engine.domain.units import Address, BlockHash

CONTRACTS = Path(__file__).with_name("contracts")
SECOND = Address("0x" + keccak(text="ketch token probe, second address")[-20:].hex())
"""Where tokens are passed on to: nobody's address."""
IMPLEMENTATION_SLOT = hex(int.from_bytes(keccak(text="eip1967.proxy.implementation")) - 1)

ITEMS_A_CALL = 8
_CALL_GAS = 45_000_000
_ANSWER_WORDS = 9
_ITEM = "(address,address,address,uint256,bool,uint256)"
_SURVEY = keccak(text=f"survey({_ITEM}[],address)")[:4]
_CODE_HASHES = keccak(text="code_hashes(address[])")[:4]
_HASHES_A_CALL = 64
_RICH = hex(10**30)

SOUND, REVERTS, ANSWERS_FALSE, SENT_DIFFERS, RECEIVED_DIFFERS, CALLS_BACK = range(6)
NO_BALANCE, ALLOWANCE, POOL_EMPTY, POOL_REFUSES, HOOKS = range(6, 11)

PAIR, CONCENTRATED, VAULT = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A block that a token may meet: so many blocks and seconds on, at so many times the base fee, by `producer`."""

    name: str
    blocks: int
    seconds: int
    fee_times: int = 2
    producer: Address | None = None


CONDITIONS = (
    Condition(name="", blocks=1, seconds=1),
    Condition(name="the block after", blocks=2, seconds=2),
    Condition(name="three blocks on", blocks=3, seconds=4),
    Condition(name="another producer", blocks=1, seconds=1, producer=Address("0x" + "c0ffee" + "00" * 16 + "b5")),
    Condition(name="dear gas", blocks=1, seconds=1, fee_times=100),
    Condition(name="in a day", blocks=7_200, seconds=86_400),
    Condition(name="in a month", blocks=216_001, seconds=2_592_003),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A token in a pool that pays before it is paid. `holder` is where the pool's tokens lie, `says_held` how much
    the pool says that there is of it, where it says so."""

    token: Address
    pool: Address
    holder: Address
    kind: int
    first: bool
    says_held: int | None

    @property
    def words(self) -> tuple[str, str, str, int, bool, int]:
        return self.token, self.pool, self.holder, self.kind, self.first, self.says_held or 2**256 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one round under one condition came to, as the probe's `_end` says it; amounts in raw units."""

    fault: int
    step: int
    measured: int
    wanted: int
    gas: int
    held: int
    decimals: int
    timestamp_s: int
    gas_price_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What code a token runs: its hash, and the implementation that an EIP-1967 proxy names."""

    code_hash: str
    implementation: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One survey as it was asked: a condition, and what the probe must have seen of it."""

    condition: Condition
    timestamp_s: int
    gas_price_wei: int


@cache
def probe_code() -> str:
    """Return the probe's runtime code, 0x hex."""
    return compiled(CONTRACTS, "token_probe")["runtime"]


def item_of(pool: AnyPool, token: Address) -> Item:
    """Say how a pool can be asked to pay `token` first."""
    if isinstance(pool, ConstantProductPool):
        first = pool.tokens[0] == token
        reserve = pool.reserve0 if first else pool.reserve1
        return Item(token=token, pool=_at(pool), holder=_at(pool), kind=PAIR, first=first, says_held=reserve)
    if isinstance(pool, ConcentratedPool):
        first = pool.tokens[0] == token
        return Item(token=token, pool=_at(pool), holder=_at(pool), kind=CONCENTRATED, first=first, says_held=None)
    held = pool.balances[pool.tokens.index(token)]
    return Item(token=token, pool=pool.vault, holder=pool.vault, kind=VAULT, first=False, says_held=held)


async def survey(
    endpoint: Endpoint, items: Sequence[Item], *, executor: Address, operator: Address, at: BlockHash
) -> list[list[tuple[Asked, Measured | None]]]:
    """Probe every item under every condition on top of block `at`; None where a round did not end.

    Raises `ChainError` when the node does not answer, or does not take overrides.
    """
    header: dict[str, Any] | None = await endpoint.call("eth_getBlockByHash", at, False)
    if header is None:
        raise ChainError("the node no longer knows the block that tokens were to be checked on", measured=at)
    found: list[list[tuple[Asked, Measured | None]]] = [[] for _ in items]
    for start in range(0, len(items), ITEMS_A_CALL):
        chunk = items[start : start + ITEMS_A_CALL]
        data = _SURVEY + encode([f"{_ITEM}[]", "address"], [[item.words for item in chunk], SECOND])
        asked = [_asked(condition, header) for condition in CONDITIONS]
        requests = [("eth_call", _request(a, header, data, executor, operator, at)) for a in asked]
        for one, raw in zip(asked, await endpoint.batch(requests), strict=True):
            for offset, measured in enumerate(_measured(raw, len(chunk))):
                found[start + offset].append((one, measured))
    return found


async def codes(endpoint: Endpoint, tokens: Sequence[Address], *, at: BlockHash) -> dict[Address, Code]:
    """Read what code each token runs. Raises `ChainError` when the node does not answer."""
    where = {"blockHash": at}
    hashes: list[bytes] = []
    override = {SECOND: {"code": probe_code()}}
    for start in range(0, len(tokens), _HASHES_A_CALL):
        data = _CODE_HASHES + encode(["address[]"], [tokens[start : start + _HASHES_A_CALL]])
        raw = await endpoint.call("eth_call", {"to": SECOND, "data": hex_data(data)}, where, override)
        hashes.extend(decode(["bytes32[]"], bytes.fromhex(raw[2:]))[0])
    slots = await endpoint.batch([("eth_getStorageAt", (t, IMPLEMENTATION_SLOT, where)) for t in tokens])
    return {
        token: Code(code_hash="0x" + digest.hex(), implementation=Address(f"0x{int(slot, 16) % 2**160:040x}"))
        for token, digest, slot in zip(tokens, hashes, slots, strict=True)
    }


def _at(pool: AnyPool) -> Address:
    return Address(pool.id)


def _asked(condition: Condition, header: Mapping[str, Any]) -> Asked:
    return Asked(
        condition=condition,
        timestamp_s=int(header["timestamp"], 16) + condition.seconds,
        gas_price_wei=int(header.get("baseFeePerGas", "0x1"), 16) * condition.fee_times,
    )


def _request(
    asked: Asked, header: Mapping[str, Any], data: bytes, executor: Address, operator: Address, at: BlockHash
) -> tuple[Any, ...]:
    call = {"from": operator, "to": executor, "data": hex_data(data), "gas": hex(_CALL_GAS)}
    code = {"code": probe_code()}
    overrides = {executor: code, SECOND: code, operator: {"balance": _RICH}}
    block = {
        "number": hex(int(header["number"], 16) + asked.condition.blocks),
        "time": hex(asked.timestamp_s),
        "feeRecipient": asked.condition.producer or header["miner"],
        "baseFeePerGas": header.get("baseFeePerGas", "0x0"),
    }
    return {**call, "gasPrice": hex(asked.gas_price_wei)}, {"blockHash": at}, overrides, block


def _measured(raw: str, count: int) -> list[Measured | None]:
    try:
        answers = decode(["bytes[]"], bytes.fromhex(raw[2:]))[0]
    except DecodingError:
        return [None] * count
    return [_one(answer) if len(answer) == 32 * _ANSWER_WORDS else None for answer in answers]


def _one(answer: bytes) -> Measured:
    fault, step, measured, wanted, gas, held, decimals, timestamp_s, gas_price_wei = words(answer)
    return Measured(
        fault=fault,
        step=step,
        measured=measured,
        wanted=wanted,
        gas=gas,
        held=held,
        decimals=decimals,
        timestamp_s=timestamp_s,
        gas_price_wei=gas_price_wei,
    )
