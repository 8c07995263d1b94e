"""How much, from 1 (next to nothing) to 5, as people say it; what it is said of is the noun beside it.

"Tiny" is a size and "razor" a margin where no noun says otherwise; a word without such a column needs its noun.
"""

from collections.abc import Mapping
from typing import Final

DEGREES: Final[Mapping[tuple[int, str], str]] = {
    (
        1,
        "size",
    ): "tiny|dinky|piddling|piffling|measly|bitsy|ickle|smallest class/bucket/tier/size/possible|dust|dusty|"
    "minuscule|miniscule|crumb|microscopic|penny|pennies|few cent worth|micro|minute sized|"
    "teeny|weeny|itty bitty|itty|bitty|pocket/loose/small/spare/chump change|petty|pocket money|infinitesimal|mini|"
    "littlest|tiniest|diminutive|peanut|trifling|trifle|nano|lilliputian|teensy|wee|speck|"
    "pint/bite/baby/penny/pocket/token sized|nominal|negligible|insignificant|puny|trivial|fraction of/_ ether|toy|"
    "atom|penny ante|chicken feed|baby|less than tenth|under/below 0.1 ether/eth/weth|couple/2 of/_ "
    "dollar/buck/cent/quid/pound/_ input/worth|few dollar/buck/cent|2 dollar/buck/of dollar/buck|pittance|for peanut|"
    "smidgen|"
    "sprinkle|scrap of|pinch|grain|"
    "thimble|thimbleful|pixel|ant sized|mite|drop in ocean/bucket|smattering|morsel|nugatory|bargain basement|"
    "barely anything/any staked/invested/input/put|pea sized|minute margin/edge/spread/amount/size/stake|mosquito|"
    "flea|shoestring|handful of "
    "dollar/buck",
    (
        2,
        "size",
    ): "small|small potato|lowish|little ish|smallish|smaller|little|minor|small time/scale/fry|"
    "less than/below/under/sub 1 "
    "ether/eth/weth|sub ether/eth/1|lightweight|compact|undersized|little one|on small side|humble|cheap|modest|"
    "modestly|shrimp|on smaller side|retail|smallsized|small fry|a bit|minnow|downsized|smallest|"
    "only put little/bit|starter",
    (3, "size"): "medium|medium sized|mid sized|midsize|midsized|mid range/size|middle/middling "
    "sized/size/of/_ road/_|middling|middle|moderate|moderately sized|few ether|handful of/_ ether/eth|single "
    "digit ether|average|"
    "in between|intermediate|neither big/large/small|not big/large nor small|several ether|couple of/_ ether|"
    "middleweight|mean sized|run of mill|1 to 10 ether|medium scale|mediocre sized|midweight",
    (
        4,
        "size",
    ): "large|mighty|grand|heavy duty|stonking|walloping|strapping|burly|thumping|king sized ish|big|bigger|larger|"
    "sizeable|sizable|hefty|ten of ether|dozen of/_ ether|double/2 digit ether|heavy|"
    "heavyweight|substantial|chunky|major|bulky|very big/large|large/big scale/ticket|weighty|biggish|largish|beefy|"
    "good/big/large/serious/decent chunk|10 to 100 ether|voluminous|on large/big side|big league|sizey|burly|"
    "significant|considerable|serious|big money|large sum|big sum",
    (
        5,
        "size",
    ): "huge|whale/king/super/monster/giant/jumbo/mega/elephant size/sized|giant|gigantic|enormous|whale|massive|"
    "hundred of ether|over/above/more/than hundred/100 ether|colossal|immense|mammoth|monster|jumbo|titanic|"
    "monumental|gargantuan|humongous|tremendous|monstrous|elephantine|behemoth|supersized|ginormous|leviathan|"
    "extra large|extremely/really/very very large/big/huge|astronomical|towering|epic|triple digit ether|3 digit "
    "ether|100 ether|prodigious|elephant|whopper|stupendous|hulking|mountainous|staggering|institutional|whaleish|"
    "mahoosive|eye watering|jaw dropping|mind boggling|bank breaking|stratospheric|planet sized|"
    "biggest/largest/top class/bucket/tier/category|vast|titan|goliath|oversize class|gigantesque|cyclopean|"
    "mountain of|"
    "king|blockbuster|super sized|megaton|mega|gigantically|biggest ever",
    (6, "size"): "largest|biggest|more than/over/above ten ether/eth|great big|top size",
    (
        1,
        "margin",
    ): "razor thin|razor|hairline|hair thin|hair|paper thin|wafer thin|wafer|knife edge|whisker|sliver|barest|"
    "skin of teeth|tissue thin|cigarette paper|gossamer|threadbare|slightest|barely any/anything/profitable|hardly "
    "any/anything/profitable|scarcely any/anything|next to no/not/nothing/zero/nil|"
    "almost/nearly/virtually/practically/close/near/basically/essentially/all _/to/but "
    "not/no/nothing/zero/nil/nonexistent/zilch|near zero|margin next to nothing|hardly worth|"
    "vanishingly|slimmest|thinnest|narrowest|tightest|leanest|skinniest|tissue|vanishing|a mere hair|"
    "nonexistent|imperceptible|rice paper|onion skin|skeletal|eyelash|wisp|shoestring thin|almost invisible|"
    "2 basis point|few bps/basis|2 of/_ basis/bps|1 basis point|threadlike|hairsbreadth|hair breadth|paperthin|"
    "razorthin|ultrathin|by nose|breadth of hair|nothing to speak of|practically none|minimalist",
    (
        2,
        "margin",
    ): "thin|slim|narrow|slender|skinny|slightly profitable|thin looking|tight|thinnish|slimmish|narrowish|"
    "on thin/slim/narrow/tight side|svelte|skimpy|scant|scanty|meagre|meager|anaemic|flimsy|cramped|thinly",
    (
        3,
        "margin",
    ): "mediocre|middle ground|run of mill|half decent/way|halfway decent|fair|so so|good enough|unremarkable|"
    "okay ish|decent|reasonable|healthy|respectable|"
    "reasonably/fairly/moderately/decently "
    "profitable|ok|okay|so so|sensible|acceptable|adequate|passable|tolerable|fairish|middle of road|not bad|"
    "satisfactory|alright|middling to good|so but okay|workmanlike|fair to middling|neither thin/slim nor/or fat/wide",
    (
        4,
        "margin",
    ): "wide|sky high|eye popping|to die for|thumping great|fat|juicy|rich|generous|lucrative|percent or more|broad|"
    "plump|mouthwatering|highly/hugely/wildly "
    "profitable|bumper|lush|handsome|yawning|tasty|delicious|lavish|bountiful|princely|cushy|sumptuous|"
    "ample|over/above/more/than _/than 1/one/_ percent|whopping|widest|fattest|juiciest|richest|wider|fatter|"
    "wide open|yummy|succulent|cavernous|extravagant|fantastic|opulent|luscious|meaty|thick|roomy|luxurious|bounteous",
    (1, ""): "lowest|least|bare|barely|hardly|scarcely|minimal|minimum|paltry|bottom|rock bottom|close to|"
    "almost no/not|any at all|nearly no/not|ultra thin|ultra low|ridiculously low|microscopically|"
    "hardly any|barely any|scarcely any|no real",
    (
        2,
        "",
    ): "snug|wiry|unexciting|lean|low|lower|lesser|light|limited|weak|poor|short|slight|fine|spare|sparse|squeezed|"
    "compressed|reduced|"
    "shallow|underwhelming|marginal|close|restricted|so little|bit of|unimpressive",
    (3, ""): "ordinary|normal|regular|standard|typical|usual|everyday|good|solid|sound|proper|comfortable|"
    "workable|right|balanced|moderately good|pretty good|appropriate|sufficient|fairly good|"
    "bog standard|garden variety|run mill|so so|medium|moderate|middling|average|mid",
    (4, ""): "high|higher|great|strong|excellent|vast|extensive|impressive|superb|outstanding|exceptional|wonderful|"
    "remarkable|amazing|deep|abundant|bulging|spacious|very good|goodly|solidly large|upscale|bigger|"
    "double/triple digit|attractive|hearty|robust|terrific|stellar|bulging|huge amount|a lot of|lot of|plenty of|fancy",
    (5, ""): "highest|insane|crazy|ridiculous|outrageous|obscene|maximum|record|unbelievable|absurd",
}
NOUNS: Final[Mapping[str, str]] = {
    "margin": "margin|edge|spread|gap|return|markup|upside|difference|profit|basis|mispricing|discrepancy|dislocation|"
    "cushion|percentage|yield|premium|gain|headroom|discount|profitability|bps|differential|divergence|payoff|payout|"
    "roi|earning|percent|delta|buffer|leeway|reward|inefficiency|imbalance",
    "size": "size|sized|amount|volume|stake|notional|ticket|input|value|capital|scale|money|cash|sum|quantity|outlay|"
    "position|principal|fund|investment|bet|clip|commitment|committed|wager|invested|staked|put|denomination|"
    "lot|magnitude|dimension|budget|bankroll|exposure|tonnage|calibre|clips|weight|bite",
}
THINGS: Final = (
    "trade|deal|arbitrage|arb|cycle|loop|route|triangle|swap|transaction|tx|win|winner|opportunity|candidate|leg|hop|"
    "trip|pool|path|attempt|chance|loss|flash|loan"
)
"""What may be small or wide by itself: behind it no noun is looked for."""
WORDS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "size": (("tiny",), ("small",), ("medium",), ("large",), ("huge",), ("large", "huge")),
    "margin": (("razor-thin",), ("thin",), ("fair",), ("wide",), ("wide",), ("wide",)),
}
"""What a degree is called in a column, from 1 up."""
MORE: Final = (
    "very|most|extremely|exceedingly|incredibly|super|ultra|insanely|absolute|absolutely|truly|ridiculously|mega|"
    "hyper|extra|dangerously|vanishingly|terribly|awfully|exceptionally|impossibly|painfully|wafer|razor|oh so|so very"
)
"""Before a degree: two is one then, and a large size is huge but after "very"; adverbs in "ly" do the same."""
SOFTLY: Final = (
    "fairly|reasonably|moderately|relatively|slightly|decently|only|nearly|actually|really|mostly|comparatively|"
    "mainly|usually|merely|simply|averagely|respectably|successfully|possibly|probably|definitely|kindly"
)
"""Adverbs that do not."""
