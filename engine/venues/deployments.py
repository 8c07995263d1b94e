"""Where each protocol stands on each chain: data, checked at connect by the code at the factory's address.

Addresses: Uniswap's and SushiSwap's own published deployments (the registry in the shared data repeats them).
"""

from dataclasses import dataclass
from typing import Literal

from engine.domain.units import Address, ChainId

Kind = Literal["uniswap_v2", "uniswap_v3", "balancer_weighted", "balancer_stable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One factory. `fee_ppm` is the fixed fee of constant-product pairs; `vault` is Balancer's."""

    name: str
    kind: Kind
    factory: Address
    fee_ppm: int = 0
    vault: Address | None = None


def _v2(name: str, factory: str, fee_ppm: int = 3000) -> Deployment:
    return Deployment(name=name, kind="uniswap_v2", factory=Address(factory), fee_ppm=fee_ppm)


def _v3(name: str, factory: str) -> Deployment:
    return Deployment(name=name, kind="uniswap_v3", factory=Address(factory))


_ETHEREUM, _OPTIMISM, _BASE, _ARBITRUM = ChainId(1), ChainId(10), ChainId(8453), ChainId(42161)

DEPLOYMENTS: dict[ChainId, tuple[Deployment, ...]] = {
    _ETHEREUM: (
        _v2("uniswap_v2", "0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f"),
        _v2("sushi_v2", "0xc0aee478e3658e2610c5f7a4a2e1777ce9e4f2ac"),
        _v3("uniswap_v3", "0x1f98431c8ad98523631ae4a59f267346ea31f984"),
    ),
    _OPTIMISM: (_v3("uniswap_v3", "0x1f98431c8ad98523631ae4a59f267346ea31f984"),),
    _BASE: (
        _v2("uniswap_v2", "0x8909dc15e40173ff4699343b6eb8132c65e18ec6"),
        _v3("uniswap_v3", "0x33128a8fc17869897dce68ed026d694621f6fdfd"),
    ),
    _ARBITRUM: (
        _v2("sushi_v2", "0xc35dadb65012ec5796536bd9864ed8773abc74c4"),
        _v3("uniswap_v3", "0x1f98431c8ad98523631ae4a59f267346ea31f984"),
    ),
}


def devnet_deployments(manifest: dict[str, dict[str, str]]) -> tuple[Deployment, ...]:
    """Read the deployments that a local chain's manifest names."""
    balancer = manifest["balancer_v2"]
    vault = Address(balancer["vault"])
    return (
        _v2("uniswap_v2", manifest["uniswap_v2"]["factory"]),
        _v2("sushi_v2", manifest["sushi_v2"]["factory"]),
        _v3("uniswap_v3", manifest["uniswap_v3"]["factory"]),
        Deployment(
            name="balancer_v2",
            kind="balancer_weighted",
            factory=Address(balancer["weighted_factory"]),
            vault=vault,
        ),
        Deployment(
            name="balancer_v2",
            kind="balancer_stable",
            factory=Address(balancer["stable_factory"]),
            vault=vault,
        ),
    )
