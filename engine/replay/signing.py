"""A signer without the key: what was signed then comes out again, anything else under a key that everybody knows."""

from collections.abc import Callable, Iterable
from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from engine.chains.abi import hex_data
from engine.domain.decision import Fees
from engine.domain.units import Address, ChainId
from engine.execution.wallet import Signer

_THROW_AWAY = "0x" + keccak(text="ketch replay: everybody has this key").hex()
_TOLD_APART = ("nonce", "to", "data", "gas", "maxFeePerGas", "maxPriorityFeePerGas")


class RecordedSigner(Signer):
    """Makes every check that the signer makes. Bytes that were signed then are found by all that they say."""

    def __init__(
        self,
        operator: Address,
        signed: Iterable[bytes],
        *,
        chain: ChainId,
        executor: Address,
        max_gas_wei: Callable[[], int],
        halted: Callable[[], str | None],
    ) -> None:
        super().__init__(_THROW_AWAY, chain=chain, executor=executor, max_gas_wei=max_gas_wei, halted=halted)
        self._operator = operator
        self._signed_then = {_says(raw): raw for raw in signed}

    @property
    def address(self) -> Address:
        return self._operator

    def _signed(self, to: Address, data: bytes, *, gas_limit: int, fees: Fees, nonce: int) -> bytes:
        said = (nonce, to, hex_data(data), gas_limit, fees.max_fee_wei, fees.priority_fee_wei)
        then = self._signed_then.get(said)
        return super()._signed(to, data, gas_limit=gas_limit, fees=fees, nonce=nonce) if then is None else then


def _says(raw: bytes) -> tuple[Any, ...]:
    """Read what signed bytes say; raises `ValueError` or `TypeError` for bytes that are no transaction."""
    decoded = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return tuple(_plain(decoded[name]) for name in _TOLD_APART)


def _plain(value: Any) -> Any:
    return "0x" + bytes(value).hex() if isinstance(value, bytes) else value
