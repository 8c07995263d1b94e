"""Decode what was signed: the transaction, its sender, and the call inside, with the field's own libraries."""

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

EXECUTE_TYPES = ("uint256", "address", "uint256", "uint256", "uint256", "bytes32", "(uint256,uint256)[]")
EXECUTE_SELECTOR = keccak(text=f"execute({','.join(EXECUTE_TYPES)})")[:4]
SWEEP_TYPES = ("address", "uint256")
SWEEP_SELECTOR = keccak(text=f"sweep({','.join(SWEEP_TYPES)})")[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed transaction as the chain will read it; addresses in lower case, hashes 0x hex, fees wei per gas."""

    tx_hash: str
    sender: str
    chain_id: int
    nonce: int
    to: str
    value: int
    gas_limit: int
    max_fee_wei: int
    priority_fee_wei: int
    data: bytes

    @property
    def data_hash(self) -> str:
        return "0x" + keccak(self.data).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """The call that a trade makes: amounts in raw units of `token`."""

    token: str
    amount: int
    min_profit: int
    deadline_s: int
    anchor: str
    pools: tuple[str, ...]
    tokens_out: tuple[str, ...]


def read_signed(raw: bytes) -> Signed:
    """Decode signed bytes; raises `ValueError` for anything but a signed EIP-1559 transaction."""
    try:
        fields: dict[str, Any] = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = str(Account.recover_transaction(HexBytes(raw)))
        return Signed(
            tx_hash="0x" + keccak(raw).hex(),
            sender=sender.lower(),
            chain_id=fields["chainId"],
            nonce=fields["nonce"],
            to="0x" + bytes(fields["to"]).hex(),
            value=fields["value"],
            gas_limit=fields["gas"],
            max_fee_wei=fields["maxFeePerGas"],
            priority_fee_wei=fields["maxPriorityFeePerGas"],
            data=bytes(fields["data"]),
        )
    except Exception as fault:
        raise ValueError(f"not a signed EIP-1559 transaction ({type(fault).__name__}: {fault})") from fault


def read_execute(data: bytes) -> Execute | None:
    """Decode a call of `execute`; None for another function. Raises `ValueError` for arguments that are not its own."""
    if data[:4] != EXECUTE_SELECTOR:
        return None
    _, token, amount, min_profit, deadline_s, anchor, hops = decode(EXECUTE_TYPES, data[4:])
    return Execute(
        token=str(token).lower(),
        amount=amount,
        min_profit=min_profit,
        deadline_s=deadline_s,
        anchor="0x" + anchor.hex(),
        pools=tuple(f"0x{a % 2**160:040x}" for a, _ in hops),
        tokens_out=tuple(f"0x{b % 2**160:040x}" for _, b in hops),
    )


def is_sweep(data: bytes) -> bool:
    """Tell whether a call pays the treasury and nobody else."""
    return data[:4] == SWEEP_SELECTOR and len(data) == 4 + 32 * len(SWEEP_TYPES)
