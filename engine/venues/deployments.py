"""Where each protocol stands on each chain: data, checked at connect by the code at each address.

One shape for all: protocol -> role -> address, as a local chain's manifest and the configuration write it too.
Sources: the protocols' own published address books (the shared data's registry repeats Uniswap's and Aave's).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.domain.units import Address, ChainId

Kind = Literal["uniswap_v2", "uniswap_v3", "balancer_weighted", "balancer_stable"]
AddressBook = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One factory. `fee_ppm` is the fixed fee of constant-product pairs; `vault` is Balancer's."""

    name: str
    kind: Kind
    factory: Address
    fee_ppm: int = 0
    vault: Address | None = None


_FACTORIES: tuple[tuple[str, str, Kind, int], ...] = (
    # protocol, role, kind, fee in ppm
    ("uniswap_v2", "factory", "uniswap_v2", 3_000),
    ("sushi_v2", "factory", "uniswap_v2", 3_000),
    ("uniswap_v3", "factory", "uniswap_v3", 0),
    ("balancer_v2", "weighted_factory", "balancer_weighted", 0),
    ("balancer_v2", "stable_factory", "balancer_stable", 0),
)

_BALANCER_VAULT = "0xba12222222228d8ba445958a75a0704d566bf2c8"
_UNISWAP_V3_FACTORY = "0x1f98431c8ad98523631ae4a59f267346ea31f984"

ADDRESS_BOOKS: Mapping[ChainId, AddressBook] = {
    ChainId(1): {
        "uniswap_v2": {"factory": "0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f"},
        "sushi_v2": {"factory": "0xc0aee478e3658e2610c5f7a4a2e1777ce9e4f2ac"},
        "uniswap_v3": {"factory": _UNISWAP_V3_FACTORY},
        "balancer_v2": {"vault": _BALANCER_VAULT},
        "aave_v3": {"pool": "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"},
        "morpho_blue": {"morpho": "0xbbbbbbbbbb9cc5e90e3b3af64bdaf62c37eeffcb"},
    },
    ChainId(10): {
        "uniswap_v3": {"factory": _UNISWAP_V3_FACTORY},
        "balancer_v2": {"vault": _BALANCER_VAULT},
        "aave_v3": {"pool": "0x794a61358d6845594f94dc1db02a252b5b4814ad"},
    },
    ChainId(8453): {
        "uniswap_v2": {"factory": "0x8909dc15e40173ff4699343b6eb8132c65e18ec6"},
        "uniswap_v3": {"factory": "0x33128a8fc17869897dce68ed026d694621f6fdfd"},
        "balancer_v2": {"vault": _BALANCER_VAULT},
        "aave_v3": {"pool": "0xa238dd80c259a72e81d7e4664a9801593f98d1c5"},
        "morpho_blue": {"morpho": "0xbbbbbbbbbb9cc5e90e3b3af64bdaf62c37eeffcb"},
    },
    ChainId(42161): {
        "sushi_v2": {"factory": "0xc35dadb65012ec5796536bd9864ed8773abc74c4"},
        "uniswap_v3": {"factory": _UNISWAP_V3_FACTORY},
        "balancer_v2": {"vault": _BALANCER_VAULT},
        "aave_v3": {"pool": "0x794a61358d6845594f94dc1db02a252b5b4814ad"},
    },
}


def deployments_in(book: AddressBook) -> tuple[Deployment, ...]:
    """List the factories that an address book names, in the order of the table."""
    return tuple(
        Deployment(
            name=protocol,
            kind=kind,
            factory=Address(book[protocol][role].lower()),
            fee_ppm=fee_ppm,
            vault=address_in(book, protocol, "vault"),
        )
        for protocol, role, kind, fee_ppm in _FACTORIES
        if role in book.get(protocol, {})
    )


def address_in(book: AddressBook, protocol: str, role: str) -> Address | None:
    """Look one address up; None where the book does not have it."""
    found = book.get(protocol, {}).get(role)
    return None if found is None else Address(found.lower())
