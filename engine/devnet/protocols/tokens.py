"""WETH9 and the mintable ERC-20s, and handing them out."""

from collections.abc import Iterable, Mapping

from engine.devnet.calldata import MAX_UINT256
from engine.devnet.packages import load_artifact
from engine.devnet.sending import Sending
from engine.devnet.universe import TOKENS, raw_amount
from engine.domain.units import WEI_PER_ETHER, Address

SUPPLY_USD = 2_000_000_000
WETH = "WETH"


def deploy_tokens(sending: Sending) -> dict[str, Address]:
    """Create every token and give the deployer a large supply; returns addresses by symbol."""
    weth = load_artifact("@uniswap/v2-periphery/build/WETH9.json")
    erc20 = load_artifact("@aave/core-v3/artifacts/contracts/mocks/tokens/MintableERC20.sol/MintableERC20.json")
    tokens: dict[str, Address] = {}
    for spec in TOKENS:
        if spec.symbol == WETH:
            tokens[WETH] = sending.create(weth)
            sending.call(tokens[WETH], "deposit()", value=raw_amount(WETH, SUPPLY_USD))
        else:
            tokens[spec.symbol] = sending.create(erc20, spec.name, spec.symbol, spec.decimals)
            sending.call(tokens[spec.symbol], "mint(uint256)", raw_amount(spec.symbol, SUPPLY_USD))
    return tokens


def approve_all(
    sending: Sending, tokens: Mapping[str, Address], spenders: Iterable[Address], owner: Address | None = None
) -> None:
    """Let every spender take every token of `owner`, the deployer by default."""
    for spender in spenders:
        for token in tokens.values():
            sending.call(token, "approve(address,uint256)", spender, MAX_UINT256, sender=owner)


def give(sending: Sending, tokens: Mapping[str, Address], to: Address, usd_each: int, ether: int = 0) -> None:
    """Transfer `usd_each` dollars' worth of every token, and some native coin, from the deployer."""
    for symbol, token in tokens.items():
        sending.call(token, "transfer(address,uint256)", to, raw_amount(symbol, usd_each))
    if ether:
        sending.call(to, "", value=ether * WEI_PER_ETHER)
