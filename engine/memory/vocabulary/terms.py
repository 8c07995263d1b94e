"""With what and how much: capital and hops, as people say it; the notation is that of `endings.py`."""

from collections.abc import Mapping
from typing import Final

_MONEY: Final = (
    "money/fund/capital/cash/balance/purse/pocket/wallet/treasury/equity/reserve/coin/bankroll/saving/asset/"
    "means/holding/inventory/stake/resource/token/liquidity/bank/coffer/account"
)
_LOAN: Final = (
    "flash/_ "
    "loan/credit/money/lend/lent/lending/fund/funding/borrow/borrowing/capital/cash/advance/financing/liquidity/"
    "finance/debt/facility/flashloan"
)
_GAVE: Final = (
    "borrow/borrowed/loan/loaned/lent/fund/funded/financed/credit/advanced/money/capital/cash/backed/supplied/"
    "sponsored/provided/bankrolled/fronted/drawn/taken/flashloan/flashloaned/sourced/paid"
)

CAPITALS: Final[Mapping[tuple[str, ...], str]] = {
    ("own",): f"own {_MONEY}|on/with/from/using money/fund/capital/balance/treasury/purse/pocket/wallet/cash/reserve|"
    f"self funded/financed/funding/financing/capitalised/paid|out of own/_ pocket/purse/treasury/wallet|"
    f"without/no/not/never/zero/instead "
    "_/of/flash/need/any/taking "
    "borrow/borrowed/loan/lender/credit/leverage/debt/lending/flash/flashloan/financing/lent|unborrowed|"
    "unleveraged|unlevered|loan free|debt free|treasury money|equity|from/with/by "
    "balance/treasury/wallet/purse/pocket|paid/funded/financed from/by/out/with of/_ "
    "balance/treasury/pocket/wallet/ourselves/house/purse|house money|"
    "inhouse/house/proprietary money/fund/capital/cash|already held/owned|by ourselves financed|fund ourselves|"
    "funded ourselves|"
    "nobody/noone else/_ money/capital/fund/cash|no else/outside/outsider money/capital/fund|on hand|cash on hand",
    (
        "balancer",
    ): f"balancer {_LOAN}|{_GAVE} by/from/of/with/via/through/using/at/on/_ balancer/vault|loan/credit/flash "
    f"from/by/of/at balancer/vault|balancer vault lent/loan/credit/fund/lend|vault loan/credit/lent/lend|"
    f"balancer funded/financed/backed/"
    "lent/provided/fronted/paid/sourced|balancer as lender|lender balancer|lender was balancer|balancer was "
    "lender|balancer put up|leverage balancer",
    ("aave",): f"aave|aave {_LOAN}|{_GAVE} by/from/of/with/via/through/using/_ aave|aave funded/financed/backed/lent",
    ("morpho",): f"morpho|morpho {_LOAN}|{_GAVE} by/from/of/with/via/through/using/_ morpho|morpho "
    f"funded/financed/backed/lent|morpho blue|blue",
    ("first_pool",): "pool 1|first/opening/starting/initial/entry _/trade pool|"
    "first/opening/starting/initial/entry/1 leg/hop/swap/venue/exchange "
    "pay/lend/front/advance/fund/finance/supply/cover/credit/put/provide|leg/hop 1 pay/lend/front/advance/fund|"
    "first pool pay/paid/lent/fronted/funded/financed/advanced/up/pays/_|flash swap|flashswap|pool "
    "front/fronted/paying/pay/lent/advanced/funded/financed/lends first/up/it/money/_|pay/paid/paying/settle/"
    "settled/repay/repaid/repaying pool/later/back/at/after later/afterwards/end/back/pool/last|paying/pay/paid "
    "up front|first pool|opening/starting/initial pool paid/lent/fronted/pay/money/funded/advanced/_|pay/paid "
    "later|swap first pay later|pool lent|pool own money/loan/credit|optimistic transfer|flash swapped|flash "
    "swapping|pool loan/credit|on pool credit|first leg paid/fronted/lent/financed|first hop "
    "paid/fronted/lent/financed|swap "
    "callback|pool of first hop/leg|lent/fund/funded/financed/advanced/borrowed/fronted by/from "
    "first/opening/pool pool/_|uniswap callback",
    (
        "balancer",
        "aave",
        "morpho",
        "first_pool",
    ): "flash loan|flashloan|flash loaned|borrowed|borrow|loan|borrowing|leverage|leveraged|levered|lent|"
    "other/another/somebody/someone people/else/_ money/capital/fund|somebody else "
    "money|credit|on credit|debt|not own money/capital/fund|lender|flash|financed externally|external "
    "capital/money/fund",
}

HOP_WORDS: Final = (
    "hop|leg|pool|swap|step|exchange|side|sided|corner|cornered|stop|market|edge|edged|point|pointed|way|stage|"
    "jump|conversion|asset|token|coin|link|part|hopper|legged|legger|hopping|leap|segment|node|stretch|bounce|"
    "turn|venue|dex|trade"
)
HOPS: Final[Mapping[int, str]] = {
    2: "pairwise|there and back|back and forth|in and out|out and _/straight/right back/in|direct cycle|out and "
    "straight back|pair of pool/swap/trade/leg/hop/exchange|there and back again|shuttle|ping pong|pingpong|"
    "boomerang|to and fro|"
    "round trip of 2|2 fold|one out one back|buy here sell there|buy on one sell on other|bilateral|binary|"
    "just/only 2|shortest|simple cycle/loop/arbitrage|plain pair|pool to pool|u turn|return trip|duo|2 piece|"
    "bidirectional|couple of "
    "pool/swap/leg/hop/step|straight back|direct|back to back swap|2 part|one pair|forth and back|in out|bounce "
    "back|dual|either way|buy low sell high|2 of pool|of 2",
    3: (
        "triangle|triangular|triangle shaped|triangulated|triangulation|trilateral|trio|trio of "
        "pool/swap/leg/hop|tri|three fold|3 piece|delta shaped|triad|3 way|trip of 3|of 3|ternary|3 of pool|"
        "tripartite|threesome|triangle like|3 in row|pyramid"
    ),
    4: (
        "square|quadrilateral|longest/long route|rectangle|rectangular|quad|quartet|four fold|4 piece|box "
        "shaped|boxy|box|diamond|diamond shaped|4 way|of 4|4 of pool|tetra|foursome|quadrangle|quadrangular|"
        "quadruple|longest|quaternary|kite|quartet of pool/swap/leg/hop|square shaped"
    ),
}
