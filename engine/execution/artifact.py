"""The compiled executor contract: bytecode from its source, once per source and compiler."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from engine.chains.compiled import compiled
from engine.domain.units import ZERO_ADDRESS, Address

CONTRACTS = Path(__file__).with_name("contracts")
CONSTRUCTOR_TYPES = ("address",) * 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorArtifact:
    """What the compiler made of executor.vy. `slots` is the storage slot of each storage variable."""

    abi: tuple[Mapping[str, Any], ...]
    init_code: bytes
    slots: Mapping[str, int]


def executor_artifact(folder: Path = CONTRACTS) -> ExecutorArtifact:
    """Return the compiled executor of `folder`, from the cache when sources and compiler are those of last time."""
    raw = compiled(folder, "executor")
    return ExecutorArtifact(
        abi=tuple(raw["abi"]), init_code=bytes.fromhex(raw["init_code"].removeprefix("0x")), slots=raw["slots"]
    )


def deploy_data(
    treasury: Address,
    operator: Address,
    balancer_vault: Address = ZERO_ADDRESS,
    aave_pool: Address = ZERO_ADDRESS,
    morpho: Address = ZERO_ADDRESS,
    *,
    artifact: ExecutorArtifact | None = None,
) -> bytes:
    """Return creation code with its arguments. A lender's zero address: that lender is not available.

    `eth_call` of it without a `to` answers the runtime code, immutables filled in, for a `code` override.
    """
    made = artifact or executor_artifact()
    return made.init_code + encode(CONSTRUCTOR_TYPES, (treasury, operator, balancer_vault, aave_pool, morpho))


def state_diff(
    operator: Address, profit_tokens: Iterable[Address], *, artifact: ExecutorArtifact | None = None
) -> dict[str, str]:
    """Return the storage of an executor with this operator and these tokens listed, for a `stateDiff` override.

    Slots as Vyper lays them out: a mapping's value lies at keccak256(slot ‖ key).
    """
    slots = (artifact or executor_artifact()).slots
    listed = [keccak(encode(("uint256", "address"), (slots["profit_tokens"], token))) for token in profit_tokens]
    words = {slots["operator"].to_bytes(32, "big"): int(operator, 16)} | dict.fromkeys(listed, 1)
    return {"0x" + slot.hex(): f"0x{value:064x}" for slot, value in words.items()}
