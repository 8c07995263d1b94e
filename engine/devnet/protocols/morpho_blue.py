"""Morpho Blue, compiled from its source, with one market a token so that it has something to lend for nothing."""

from collections.abc import Mapping, Sequence

from engine.devnet.compiled import MORPHO_BLUE, compiled
from engine.devnet.sending import Sending
from engine.devnet.universe import LENDING_USD, raw_amount
from engine.domain.units import WEI_PER_ETHER, ZERO_ADDRESS, Address

_MARKET = "(address,address,address,address,uint256)"
_LLTV = WEI_PER_ETHER * 80 // 100


def deploy_morpho_blue(sending: Sending, tokens: Mapping[str, Address], symbols: Sequence[str]) -> Address:
    """Create Morpho and supply one market for each symbol; returns its address."""
    morpho = sending.create(compiled(MORPHO_BLUE)["Morpho"], sending.sender)
    sending.call(morpho, "enableLltv(uint256)", _LLTV)
    sending.call(morpho, "enableIrm(address)", ZERO_ADDRESS)
    for symbol, collateral in zip(symbols, (*symbols[1:], symbols[0]), strict=True):
        market = (tokens[symbol], tokens[collateral], ZERO_ADDRESS, ZERO_ADDRESS, _LLTV)
        amount = raw_amount(symbol, LENDING_USD)
        sending.call(morpho, f"createMarket({_MARKET})", market)
        sending.call(tokens[symbol], "approve(address,uint256)", morpho, amount)
        supply = f"supply({_MARKET},uint256,uint256,address,bytes)"
        sending.call(morpho, supply, market, amount, 0, sending.sender, b"")
    return morpho
