"""The states of the market that trades are told apart by: what gas costs, and whether rivals are about."""

from typing import Final

CONTESTED_BLOCKS: Final = 5
"""A rival that landed something so few blocks ago makes the market contested."""


def market_state(base_fee_wei: int, block: int, rival_landed: int | None) -> str:
    """Name the state at a block, given the last block, before it, in which a rival is known to have landed something.

    Base fees are told apart by the power of two below them, in Mwei.
    """
    top = 1 << max(0, base_fee_wei // 1_000_000).bit_length()
    contested = rival_landed is not None and block - rival_landed <= CONTESTED_BLOCKS
    return f"base fee {top // 2}-{top} Mwei, {'contested' if contested else 'quiet'}"
