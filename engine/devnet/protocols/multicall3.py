"""Multicall3 at the address it has on every chain."""

from engine.devnet.packages import multicall3_creation_code
from engine.devnet.rpc import Rpc, hex_of
from engine.domain.units import Address

MULTICALL3 = Address("0xca11bde05977b3631167028862be2a173976ca11")


def place_multicall3(rpc: Rpc) -> Address:
    """Put Multicall3's runtime code, which its creation code returns, at its address."""
    runtime = rpc.call("eth_call", {"data": hex_of(multicall3_creation_code())}, "latest")
    rpc.call("anvil_setCode", MULTICALL3, runtime)
    return MULTICALL3
