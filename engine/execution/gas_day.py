"""The signer's own cap on gas a day: kept in a file of its own, counted at its worst, whatever the engine says."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from engine.domain.decision import Approved, Fees, Submission
from engine.domain.errors import ConfigError, SigningRefused
from engine.domain.ports import Signs
from engine.domain.units import Address

GAS_DAY_FILE = "signer-gas.json"
NONCES_KEPT = 256
_NS_PER_DAY = 86_400 * 10**9


class GasDay:
    """What was signed today, in wei at its worst. One nonce can be mined once: it counts as the dearest signed for it.

    The day is the signer's own clock's and never goes back. Raises `ConfigError` for a file that cannot be read.
    """

    def __init__(self, path: Path, *, limit_wei: int, now_ns: Callable[[], int]) -> None:
        self._path = path
        self._limit_wei = limit_wei
        self._now_ns = now_ns
        self._day, self._older_wei, self._nonces, self._key = _read(path)

    def take(self, nonce: int, worst_wei: int, key: Address) -> None:
        """Count a signature of `key` before it leaves; raises `SigningRefused` when the day has no room for it."""
        day = max(self._day, self._now_ns() // _NS_PER_DAY)
        older_wei, nonces = (self._older_wei, dict(self._nonces)) if day == self._day else (0, {})
        if key != self._key:  # another key's nonces are others
            older_wei, nonces = older_wei + sum(nonces.values()), {}
        nonces[nonce] = max(worst_wei, nonces.get(nonce, 0))
        total_wei = older_wei + sum(nonces.values())
        if total_wei > self._limit_wei:
            raise SigningRefused(
                "the signer's own gas of the day is used up",
                measured=f"{total_wei} wei with this one, at its worst",
                limit=f"{self._limit_wei} wei",
                next_step="it begins anew tomorrow (UTC); the operator sets wallet.signer_gas_per_day_wei",
            )
        while len(nonces) > NONCES_KEPT:
            older_wei += nonces.pop(min(nonces))
        held = {n: str(w) for n, w in nonces.items()}
        _write(self._path, {"day": day, "older_wei": str(older_wei), "nonces": held, "key": key})
        self._day, self._older_wei, self._nonces, self._key = day, older_wei, nonces, key


class CappedSigner:
    """A signer that counts what it signs by the signed bytes themselves, and keeps back what is above a cap."""

    def __init__(self, signer: Signs, *, day: GasDay, max_gas_wei: Callable[[], int]) -> None:
        self._signer = signer
        self._day = day
        self._max_gas_in_force = max_gas_wei

    @property
    def address(self) -> Address:
        return self._signer.address

    def sign_trade(self, approved: Approved, *, intent_id: str, nonce: int) -> Submission:
        """Sign what was approved, within the caps."""
        return self._submission(self._signer.sign_trade(approved, intent_id=intent_id, nonce=nonce))

    def sign_sweep(
        self, token: Address, amount: int, *, fees: Fees, intent_id: str, command_id: str, nonce: int, block_number: int
    ) -> Submission:
        """Sign a sweep to the treasury, within the caps."""
        return self._submission(
            self._signer.sign_sweep(
                token,
                amount,
                fees=fees,
                intent_id=intent_id,
                command_id=command_id,
                nonce=nonce,
                block_number=block_number,
            )
        )

    def sign_bump(self, raw_tx: bytes, *, max_fee_wei: int, priority_fee_wei: int, worst_wei: int) -> bytes:
        """Sign a call of its own at other fees, within the caps."""
        return self._counted(
            self._signer.sign_bump(
                raw_tx, max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei, worst_wei=worst_wei
            )
        )

    def sign_cancel(self, nonce: int, *, max_fee_wei: int, priority_fee_wei: int) -> bytes:
        """Sign a transfer of nothing to itself, within the caps."""
        return self._counted(
            self._signer.sign_cancel(nonce, max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)
        )

    def _submission(self, signed: Submission) -> Submission:
        self._counted(signed.raw_tx)
        return signed

    def _counted(self, raw: bytes) -> bytes:
        said: dict[str, Any] = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        worst_wei = said["gas"] * said["maxFeePerGas"]
        if worst_wei > (most_wei := self._max_gas_in_force()):
            raise SigningRefused("gas could cost more than one transaction may", measured=worst_wei, limit=most_wei)
        self._day.take(said["nonce"], worst_wei, self.address)
        return raw


def _read(path: Path) -> tuple[int, int, dict[int, int], str]:
    try:
        said = json.loads(path.read_bytes())
        nonces = {int(nonce): int(wei) for nonce, wei in said["nonces"].items()}
        return int(said["day"]), int(said["older_wei"]), nonces, str(said.get("key", ""))
    except FileNotFoundError:
        return 0, 0, {}, ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{path} does not say what was signed today",
            measured=type(error).__name__,
            next_step="see what happened to it; taken away, the day's gas counts from zero",
        ) from error


def _write(path: Path, said: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as fault:
        raise SigningRefused(
            f"{path} cannot be written", measured=fault.strerror, next_step="free the disk; nothing is signed uncounted"
        ) from fault
