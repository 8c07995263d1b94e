"""Where: venues and tokens, as people say them; the notation is that of `endings.py`."""

from collections.abc import Mapping
from typing import Final

VENUES: Final[Mapping[tuple[str, ...], str]] = {
    ("uniswap_v2",): "uniswap/uni/uniswaps/unis v2/2/v2s|uniswap/uni "
    "version/generation/edition/release/iteration/ver/protocol/incarnation/number/mark 2|v2/2 uniswap/uni|v2/2 "
    "version/generation/edition/release/iteration/incarnation _/of uniswap/uni|"
    "version/ver/edition/generation/number/release 2 _/of uniswap/uni|univ2|uniswapv2|uni2|uniswap2|"
    "older/old/oldest/original/classic/legacy/earlier/elder/vintage/previous/constant uniswap/uni|"
    "older/old/original/classic/legacy/earlier/elder/previous/predecessor version/edition/generation/release/_ "
    "of/_ uniswap/uni|uniswap/uni "
    "older/old/original/classic/legacy/earlier/previous "
    "version/pool/edition/generation/release/exchange/dex/product/constant|x y k uniswap|uniswap constant "
    "product|v2|v2 pool/pair",
    ("uniswap_v3",): "uniswap/uni/uniswaps/unis v3/3/v3s|uniswap/uni "
    "version/generation/edition/release/iteration/ver/protocol/incarnation/number/mark 3|v3/3 uniswap/uni|v3/3 "
    "version/generation/edition/release/iteration/incarnation _/of uniswap/uni|"
    "version/ver/edition/generation/number/release 3 _/of uniswap/uni|univ3|uniswapv3|uni3|uniswap3|"
    "newer/new/newest/latest/later/modern/recent/current "
    "uniswap/uni|newer/new/newest/latest/later/modern/recent version/edition/generation/release/_ of/_ "
    "uniswap/uni|uniswap/uni newer/new/newest/latest/later/modern "
    "version/pool/edition/generation/release/exchange/dex|concentrated "
    "liquidity/pool/position/range/amm/_|liquidity concentrated|tick|tick based|ticked|range liquidity/order|"
    "ranged|v3|v3 pool|uniswap concentrated|clmm",
    (
        "sushi_v2",
    ): "sushi v2|sushi|sushiswap|sushi swap/exchange/pool/dex/v2/2/amm/market|sushiswap v2/2|sushi version 2|"
    "fishy fork|uniswap fork|fork of uniswap|sushi bar|maki|sashimi|v2/2 version of sushi|chef nomi",
    (
        "balancer_v2",
    ): "balancer v2/2|balancer|balancer vault/pool/exchange/dex/version/amm/market 2/_|v2/2 version of balancer|"
    "vault|vault pool|weighted pool/product|weighted|weight/weighting pool|stable pool|stableswap|composable|"
    "multi token/asset "
    "pool|bal pool|beethoven|index like pool|80 20 pool|pool weighted|vault based|in vault|bal|single vault",
    ("uniswap_v2", "uniswap_v3"): "uniswap|uni",
    ("uniswap_v2", "sushi_v2"): "constant product|x y k|xyk",
}

_COIN: Final = "token/coin/dollar/stablecoin/usd/stable/asset/currency/buck/_"
TOKENS: Final[Mapping[tuple[str, ...], str]] = {
    (
        "WETH",
        "ETH",
    ): "weth|wrapped/wrap ether/eth/ethereum|ether|eth|native/home/chain coin/token/asset/currency|ethereum|"
    "ethereum wrapped coin/token/ether/native/_|ethereum own/native/_ coin/token/currency/asset|ether wrapped|"
    "wrapped native "
    "coin/token/ether|wrapped version/form of ether/eth/ethereum|gas token/coin|wrapped gas token|ether in "
    "wrapped form|vitalik coin|ethers|wrapped coin/token",
    (
        "USDC",
        "USDC.e",
    ): f"usdc|usd coin|circle {_COIN}|circle|dollar/coin/stablecoin/token of/by/from circle|coinbase "
    f"dollar/stablecoin|usd c|circle issued {_COIN}|{_COIN} issued/minted/made by/from circle|centre coin|usdcoin",
    ("USDT",): f"usdt|tether {_COIN}|tether|dollar/coin/stablecoin/token of/by/from tether|usd t|bitfinex dollar|"
    f"{_COIN} issued/minted/made by tether|tethered dollar|usd tether",
    (
        "DAI",
        "USDS",
    ): f"dai|maker {_COIN}|maker|makerdao|maker dao|makerdao {_COIN}|sky dollar|dollar/coin/stablecoin/token "
    f"of/by/from maker/makerdao|decentralised/decentralized/overcollateralised/crypto backed "
    f"stablecoin/dollar/stable/coin|"
    f"{_COIN} issued/minted/made by maker/makerdao|mkr stablecoin|dais|maker dao stablecoin/dollar/coin|cdp "
    f"stablecoin",
    (
        "WBTC",
        "cbBTC",
        "tBTC",
    ): "wbtc|bitcoin|btc|wrapped bitcoin/btc|wrapped version/form of bitcoin/btc|cbbtc|digital gold|satoshi "
    "coin/token|bitcoin token/coin/erc20/wrapper|bitcoin on ethereum/chain|digital gold on ethereum wbtc|orange "
    "coin|tokenised/tokenized/tokenize "
    "bitcoin/btc|satoshi|bitcoin in wrapped form|bitcoin wrapped|erc20 bitcoin|bitgo coin/bitcoin/token|"
    "king of crypto",
    (
        "wstETH",
        "stETH",
        "cbETH",
        "rETH",
        "weETH",
    ): "staked/stake/staking ether/eth/ethereum|lido staked/_ ether/eth/token/coin/_|steth|wsteth|liquid "
    "staking/staked token/coin/derivative/ether/eth/_|wrapped staked/stake/lido/liquid ether/eth/token/_|wrapped "
    "steth|lst|yield bearing ether/eth|restaked ether|staking derivative/token/coin|ether staked with/at/by "
    "lido|token/coin/ether of/by/from lido|interest/reward bearing ether/eth|staked wrapped ether|wrapped staked",
    (
        "LINK",
    ): "link|chainlink|chainlink token/coin/asset|oracle token/coin/network|token/coin of chainlink/oracle|link "
    "token/coin|links token|oracle provider/network token/coin|marine token|oracle",
    ("UNI",): "uni token|uniswap s token|uniswap token|uniswap governance token",
    ("ARB",): "arb|arbitrum token/coin/governance/_|token/coin of arbitrum|arb token/coin|layer 2 governance "
    "token/coin|governance token of/_ arbitrum|arbitrum dao token|arbitrum governance/native/own token/coin|l2 token",
    (
        "USDC",
        "USDT",
        "DAI",
        "USDC.e",
    ): "stablecoin|dollar|stable|stable coin|dollar pegged/backed/denominated _/coin/token|pegged coin/token|"
    "usd|greenback|fiat backed",
}
