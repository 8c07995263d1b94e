"""What each local chain imitates: its fees, block time and block size."""

from dataclasses import dataclass

from engine.domain.errors import DevnetError
from engine.domain.units import ChainId

GWEI = 10**9
GENESIS_TIMESTAMP_S = 1_767_225_600  # 2026-01-01T00:00:00Z, the same in every run so that block hashes are too


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainProfile:
    """One chain. `base_fee_wei` holds in every block.

    `block_time_ms` is the pace of a demo, which is faster than `real_block_time_ms` where that would bore.
    """

    chain: ChainId
    name: str
    base_fee_wei: int
    block_time_ms: int
    real_block_time_ms: int
    block_gas_limit: int


PROFILES = (
    ChainProfile(
        chain=ChainId(1),
        name="ethereum",
        base_fee_wei=5 * GWEI,
        block_time_ms=1_000,
        real_block_time_ms=12_000,
        block_gas_limit=60_000_000,
    ),
    ChainProfile(
        chain=ChainId(42161),
        name="arbitrum",
        base_fee_wei=GWEI // 50,
        block_time_ms=250,
        real_block_time_ms=250,
        block_gas_limit=60_000_000,
    ),
    ChainProfile(
        chain=ChainId(8453),
        name="base",
        base_fee_wei=GWEI // 200,
        block_time_ms=500,
        real_block_time_ms=2_000,
        block_gas_limit=240_000_000,
    ),
    ChainProfile(
        chain=ChainId(10),
        name="optimism",
        base_fee_wei=GWEI // 1000,
        block_time_ms=500,
        real_block_time_ms=2_000,
        block_gas_limit=60_000_000,
    ),
)


def profile_of(chain: int | str) -> ChainProfile:
    """Return the profile of a chain, given by id or name; raises `DevnetError` naming the known ones."""
    for profile in PROFILES:
        if str(chain).lower() in (str(profile.chain), profile.name):
            return profile
    known = ", ".join(f"{profile.chain} ({profile.name})" for profile in PROFILES)
    raise DevnetError("this chain cannot be run locally", measured=chain, next_step=f"choose one of {known}")
