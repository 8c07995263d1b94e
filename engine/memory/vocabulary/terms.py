"""With what and how much: capital, sizes, margins and hops, as people say it; the notation is that of `endings.py`."""

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
    "inhouse|in house|proprietary|already held/owned/had|by ourselves financed|fund ourselves|funded ourselves|"
    "nobody else money|on hand|cash on hand",
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
    ("first_pool",): "first pool pay/paid/lent/fronted/funded/financed/advanced/up/pays/_|flash swap|flashswap|pool "
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

SIZES: Final[Mapping[tuple[str, ...], str]] = {
    ("tiny",): "tiny|dust|dusty|minuscule|miniscule|crumb|microscopic|penny|pennies|few cent worth|micro|minute "
    "sized|"
    "teeny|weeny|itty bitty|pocket change|loose change|small change|petty|"
    "spare change|pocket money|infinitesimal|mini|smallest|littlest|tiniest|diminutive|peanut|trifling|nano|"
    "lilliputian|teensy|wee|speck|penny sized|nominal|very small/little|extremely small|minimal|pint sized|"
    "bite sized|less than tenth|under/below 0.1 ether/eth/weth|negligible|token sized|insignificant|puny|"
    "trivial|fraction of/_ ether|toy|pocket sized|atom|penny ante|chicken feed",
    ("small",): "small|smallish|smaller|little|lesser|minor|small time/scale/fry|less than/below/under/sub 1 "
    "ether/eth/weth|sub ether/eth/1|low/lower value/size/volume|lightweight|light|compact|undersized|limited|"
    "small ticket|little one|on small side|humble|small stake|cheap|low notional|modest|modestly|shrimp|on "
    "smaller side|fairly/rather/quite small/little|retail|smallsized",
    ("medium",): "medium|medium sized|mid|mid sized|midsize|midsized|mid range/size|middle/middling sized/size/of/_ "
    "road/_|moderate|moderately sized|few ether|handful of/_ ether/eth|single digit ether|average|average size|"
    "in between|"
    "intermediate|ordinary|normal|regular|standard|typical|neither big/large/small|not big/large nor small|"
    "several ether|couple of/_ ether|middleweight|mean sized|everyday|usual|run of mill|1 to 10 ether|medium scale",
    (
        "large",
    ): "large|big|bigger|larger|sizeable|sizable|hefty|ten of ether|dozen of/_ ether|double/2 digit ether|heavy|"
    "heavyweight|substantial|considerable|significant|chunky|major|very big/large|bulky|"
    "big ticket|high/higher value|serious|large scale/ticket|weighty|biggish|largish|beefy|meaty|ample|goodly|"
    "upscale|"
    "10 to 100 ether|solid|voluminous|high notional|high volume|on large/big side|big league",
    ("huge",): "huge|whale sized|giant|gigantic|enormous|whale|massive|hundred of ether|over/above/more/than "
    "hundred/100 ether|colossal|immense|mammoth|monster|jumbo|vast|titanic|monumental|gargantuan|humongous|"
    "mega|tremendous|monstrous|elephantine|behemoth|king size|super sized|supersized|ginormous|leviathan|extra "
    "large|extremely/really/very very large/big/huge|astronomical|towering|epic|triple digit ether|3 "
    "digit ether|100 ether|prodigious|elephant|whopper|stupendous|very huge|hulking|extraordinary large|"
    "mountainous|staggering|institutional|whaleish",
    ("large", "huge"): "largest|biggest|more than ten ether|over ten ether|above ten eth|great big",
}

MARGINS: Final[Mapping[tuple[str, ...], str]] = {
    (
        "razor-thin",
    ): "razor thin|razor|hairline|hair thin|hair breadth|paper thin|wafer thin|wafer|barely|hardly|scarcely|"
    "next to no|almost/nearly/virtually/practically no|knife edge|tiny|minuscule|minute|microscopic|negligible|"
    "minimal|"
    "vanishing|vanishingly small/thin|infinitesimal|ultra thin|super thin|extremely/very/exceedingly/incredibly "
    "thin/narrow/slim/small/tight|gossamer|threadbare|thinnest|skin of teeth|tissue thin|whisker|sliver|paltry|"
    "trivial|wafer "
    "like|barest|nano|close to/_ no/nothing/zero|near zero/no|slightest|cigarette paper|bare|hardly any|barely "
    "any|scarcely any|insignificant|few/couple of/_ basis/bps|skinniest|teeny|micro|dangerously thin",
    ("thin",): "thin|slim|narrow|slender|small|tight|skinny|little|lean|low|meagre|meager|slight|thinnish|smallish|"
    "light|scant|scanty|weak|poor|short|skimpy|close|fine|minor|spare|sparse|squeezed|limited|anaemic|compressed|"
    "reduced|shallow|underwhelming|slimmish|narrowish|on thin side|marginal|cramped|modest|puny|flimsy",
    (
        "fair",
    ): "fair|decent|reasonable|healthy|good|adequate|moderate|solid|acceptable|respectable|sound|medium|average|"
    "ok|okay|satisfactory|ordinary|normal|middling|mid|proper|comfortable|sensible|fairly good|nice|standard|"
    "usual|typical|"
    "tolerable|passable|not bad|fine enough|honest|workable|fairish|right|balanced|middle of road|moderately "
    "good|pretty good|appropriate|sufficient|workmanlike|alright",
    ("wide",): "wide|fat|juicy|rich|generous|lucrative|huge|large|big|broad|high|great|ample|handsome|plump|hefty|"
    "massive|enormous|excellent|whopping|bumper|sizeable|sizable|substantial|considerable|vast|thick|strong|big fat|"
    "gaping|yawning|roomy|mouthwatering|tasty|delicious|exceptional|outstanding|spacious|very good|lavish|"
    "bountiful|chunky|lush|sumptuous|fantastic|superb|impressive|extensive|percent or more|over/above/more than "
    "1/one/_ percent|double/triple digit|wonderful|remarkable|"
    "amazing|deep|abundant|gigantic|wide open|wider|fatter|widest|fattest|meaty|bulging|princely|cushy",
}
MARGIN_NOUNS: Final = (
    "margin|edge|spread|gap|profit margin|return|markup|upside|price gap|price difference|difference|profit|"
    "basis point|mispricing|discrepancy|dislocation|gross margin|cushion|percentage|expected profit|yield|"
    "premium|gain|expected edge|headroom|discount|price spread|margin of profit"
)
"""What an adjective of a margin stands before or after; "thin" and the like also stand alone."""
MARGINS_ALONE: Final[Mapping[tuple[str, ...], str]] = {
    (
        "razor-thin",
    ): "razor thin|hairline|paper thin|wafer thin|razor|hair thin|margin next to nothing|knife edge|barely "
    "profitable|hardly worth|slimmest|next to no|skin of teeth",
    ("thin",): "thin|slim|narrow|slender|skinny|lean|slightly profitable|thin looking|tight",
    ("fair",): "fair|decent|reasonable|healthy|respectable|reasonably/fairly/moderately/decently profitable",
    ("wide",): "wide|fat|juicy|rich|generous|lucrative|whopping|huge margin|percent or more|broad|plump|"
    "mouthwatering|"
    "highly/hugely profitable|bumper|lush",
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
