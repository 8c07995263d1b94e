"""A signer that changes keys when the journal says that another one signs: `ketch signer` goes on without a restart."""

from collections.abc import Callable

from engine.domain.decision import Approved, Fees, Submission
from engine.domain.errors import KetchError, SigningRefused
from engine.domain.ports import Signs
from engine.domain.units import Address
from engine.journal.operators import OperatorTerm


class FollowingSigner:
    """Signs with the key of the journal's operator, asked before each signature.

    `hold` takes the lock of a key before it signs. Raises `SigningRefused` when the journal or the key cannot be read.
    """

    def __init__(
        self,
        term: Callable[[], OperatorTerm],
        signer_of: Callable[[OperatorTerm], Signs],
        hold: Callable[[Address], None],
    ) -> None:
        self._term = term
        self._signer_of = signer_of
        self._hold = hold
        self._signer = self._of(term())

    @property
    def address(self) -> Address:
        return self._signer.address

    def sign_trade(self, approved: Approved, *, intent_id: str, nonce: int) -> Submission:
        """Sign what was approved."""
        return self._now().sign_trade(approved, intent_id=intent_id, nonce=nonce)

    def sign_sweep(
        self, token: Address, amount: int, *, fees: Fees, intent_id: str, command_id: str, nonce: int, block_number: int
    ) -> Submission:
        """Sign a sweep to the treasury."""
        return self._now().sign_sweep(
            token,
            amount,
            fees=fees,
            intent_id=intent_id,
            command_id=command_id,
            nonce=nonce,
            block_number=block_number,
        )

    def sign_bump(self, raw_tx: bytes, *, max_fee_wei: int, priority_fee_wei: int, worst_wei: int) -> bytes:
        """Sign a call of its own at other fees."""
        return self._now().sign_bump(
            raw_tx, max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei, worst_wei=worst_wei
        )

    def sign_cancel(self, nonce: int, *, max_fee_wei: int, priority_fee_wei: int) -> bytes:
        """Sign a transfer of nothing to itself."""
        return self._now().sign_cancel(nonce, max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)

    def _now(self) -> Signs:
        try:
            term = self._term()
            if term.address != self._signer.address:
                self._signer = self._of(term)
        except KetchError as error:
            raise SigningRefused("the journal's key cannot be read", measured=error.what) from error
        return self._signer

    def _of(self, term: OperatorTerm) -> Signs:
        signer = self._signer_of(term)
        self._hold(signer.address)
        return signer
