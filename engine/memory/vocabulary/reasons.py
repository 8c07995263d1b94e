"""Why things ended as they did, as people say it; the notation is that of `endings.py`."""

from collections.abc import Mapping
from typing import Final

from engine.memory.pattern import FOREIGN

REASONS: Final[Mapping[tuple[str, ...], str]] = {
    (
        "below floor",
        "simulation: below floor",
    ): "below/under/beneath _/profit floor|profit floor|floor not met/reached/kept|short of floor|"
    "missed floor|not meet/reach/clear floor|"
    "moved against us|moving/shifting/changing "
    "price/market/rate|price "
    "movement/move/change/shift/swing/drift/slide|slipped|slippage|"
    ""
    "gone in simulation|too little profit/gain/left/money|too "
    "little/less/smaller profit/gain in/when simulated/"
    "rehearsed/simulation/rehearsal|"
    "under/below threshold|profit below/under/short/beneath "
    "minimum/threshold/floor/least/requirement|"
    "arrived late for gap|price ran away|ate margin|eaten by slippage|slippage ate margin/profit|not enough "
    "profit/left/gain/return _/in "
    "simulation/rehearsal/simulated/dry|less than promised/expected/needed/required/demanded|came up short of "
    "profit/floor|fell short|"
    ""
    "stale price/quote|worse price/rate|price no longer/not held/good/right/there|profit not there/left|nothing "
    "left to earn/win|"
    "opportunity gone/closed/stale|unfavourable move|bad price|adverse move/price|adverse|market ran",
    (
        "below minimum",
        "simulation: below minimum",
    ): "hop/leg/step/swap minimum|minimum of/for/on hop/leg/step/swap|hop/leg/step/swap gave/"
    "returned/paid/yielded/delivered/produced too/_ less/little/short|one/single leg/hop/step/swap "
    "came/fell/was up/_ short/low|"
    "leg came short|min out|minimum out/output/amount|amount out too low/small|minimum/min "
    "not met|leg underdelivered|intermediate/"
    "middle hop/leg/swap/step|partial leg|insufficient output|too little out of hop/leg/swap/step|per hop minimum",
    (
        "balance fell",
        "simulation: balance fell",
    ): "balance/holding/fund/treasury/stock/inventory/account fell/dropped/shrank/down/decreased/"
    "declined/went/reduced/smaller/lower/dipped/sank down/_|balance would shrink|would "
    "end/ended/leave/left/finish with less|left/leave us poorer|"
    "poorer|lower balance|less than began/started/before|ended/finished with/_ less/fewer|loss of principal|"
    "principal lost/fell/touched|"
    "drained balance/us|dip/drop/fall in balance/holding|fewer token than before|lost token|eaten into "
    "balance/holding|balance check",
    (
        "short output",
        "simulation: short output",
    ): "short output|taxed|tax|fee/tax/cut/levy/skim/charge/toll on/at/of/with/_ transfer/token|transfer/token "
    "tax/fee/levy/toll|takes tax|lying pool|skim|skimmed|skimming|"
    "delivered/deliver/received/arrived/gave/paid/handed less/fewer/short than/_|takes/took cut/"
    "slice/share/toll|token/pool kept/withheld/shaved/clipped/docked/deducted part/some/cut/_|short/under "
    "delivery|shortchanged|short changed|less/fewer "
    "arrived/came/received than|underpaid|deflationary|reflection token|took a cut of transfer|pocketed part|"
    "less out than|output was/came/fell up/_ short|"
    "deducted|deduction|siphon|siphoned|levied|tithe|haircut",
    (
        "late",
        "simulation: late",
    ): "deadline|past/missed/after/beyond/over deadline/time/expiry|past/beyond time limit|past limit of time|"
    "late|too late|expired|expiry|lapsed|timed out|timeout|"
    "out of time|time was/ran/had/_ up/over/out/limit|past their time limit|validity/valid ended/over/passed|"
    "overdue|tardy|arrived late|past due|"
    "took/taken too long|clock ran out|no longer valid|outlived|late inclusion/mined/landing|"
    "mined/landed/included/came/arrived late|not in time|behind schedule|"
    "belated|window/block passed/closed/shut|overran|too long in mempool",
    (
        "not listed",
        "simulation: not listed",
    ): "not listed|unlisted|treasury not list/approve/know/whitelist|not on list/whitelist|never approved token|"
    "not whitelisted|off list|unapproved token|not allowlisted",
    ("simulation: rests on another",): ""
    "rest on another|depended on|"
    "relied on|hinged on|followed/follow refused|came/come after refused|itself refused|"
    "earlier/previous/prior/preceding/parent/"
    "first/predecessor trade/one/step/_ refused/rejected/declined/blocked/turned/denied/vetoed|needed/need/required "
    "earlier/another/other/previous/refused/rejected trade|knock on|domino|chained/tied/linked/coupled to "
    "another/earlier/refused|predecessor|"
    "dependency|prerequisite|upstream trade|domino effect|fell with another|one before it refused|trade that "
    "never went|"
    "foundation was refused",
    (
        FOREIGN,
        f"simulation: {FOREIGN}",
    ): "foreign/unknown/strange/unfamiliar/unrecognised/unexplained/obscure/alien/odd "
    "revert/error/reason/message/failure/complaint|"
    "stranger/foreign/third/other/somebody/external/outside/another party/contract/else "
    "contract/error/code/revert/complained|stranger contract/error|stranger contract|own "
    "error|not ours|error not ours|not our own error|custom error|third party|someone/somebody else "
    "contract/code|token/pool/protocol/their own/"
    "contract/code error/complained/threw/revert/message|erc20 error|transfer exceed balance|transfer amount|"
    "error from/in/by another/foreign/outside/other|"
    "not one of ours/our|outside contract|external contract|unknown cause/reason|mystery revert|inexplicable",
    (
        "fresh proof",
    ): "fresh proof|stale/old/outdated/aged/expired head/proof/block/simulation/view/evidence/check/state/data|"
    "stale|proof/simulation/evidence/"
    "check/rehearsal went/gone/grown/got/was/had/too/_ stale/old/outdated/aged/expired/cold|out of date|"
    "outdated|head/block/chain/tip/state had/_ moved/advanced/"
    "gone/progressed/rolled on/ahead/forward|newer/new/next/fresh/later block/head had/_ "
    "come/came/arrived/appeared/landed/in/_|newer block|block "
    "came in|too old|aged|resting/based/built/proved/proven/simulated/computed/calculated on "
    "old/earlier/previous/past/stale/outdated block/state/head/data|old "
    "block|block old|overtaken by block/chain|obsolete|no longer current/fresh|not fresh/current/recent/up|past "
    "its best|behind head/chain|yesterday block|"
    "lagging|proof lapsed|fresher proof|freshness|needed fresh|re prove|reproof",
    ("least net profit",): "too little/_ profit/gain/money left/remaining/_ after/left|not enough profit/gain left|"
    "least/minimum net/_ profit|too little profit after|not worth/worthwhile "
    "it/while/effort/trouble/gas/cost/candle/sending/_|not "
    "worth|"
    "eaten/swallowed/consumed/wiped/devoured "
    "up/out/away/_ by gas/cost/fee|"
    "profit/gain/net/return/earning too small/little/low/thin/meagre/slim/tiny/paltry|too "
    "small/little/slim/meagre/low profit/gain/return/"
    "net|unprofitable after cost/gas/fee|cost outweigh|"
    "not cover cost/gas/fee/expense|earning too little|"
    ""
    "net of gas/cost/fee|net profit|uneconomic|"
    "uneconomical|marginal|negligible "
    "gain/profit|would not pay for gas|too cheap|too little in it|net gain below/under/too|below "
    "minimum profit|gas would have eaten gain|barely "
    "cover/break|break even|not economic|more gas than profit|cost more than gain/earned/profit|thin after gas",
    (
        "gas budget a day",
        "gas or loss a day",
    ): ""
    "daily/day gas/fuel/fee "
    "budget/allowance/quota/money/spend/limit/cap/ration/allotment/ceiling/_|day gas|gas a/per/"
    "for/of/in/each day|"
    "gas "
    "allowance used|gas/fuel/fee budget/allowance/quota "
    "exhausted/spent/gone/used/drained/reached/hit/blown/over|out of gas money|24 hour gas|gas "
    "tank empty|gas for today|no gas left|gas left for day|today gas|quota of gas|budget for gas/fee|allowance "
    "for gas/fee|gas rationing",
    (
        "loss a day",
        "gas or loss a day",
    ): "loss a/per/of/for day|daily/day/today loss/drawdown limit/cap/budget/_|loss limit/budget/cap|lost too much|"
    "drawdown|max daily loss|stop loss",
    (
        "losses in a row",
    ): "loss in row|losing streak/run|streak/run/string/series of loss/bad|consecutive/successive/back to back "
    "loss|one loss after another|"
    "repeated loss",
    (
        "gas a trade",
    ): "gas a/per/for/each trade/transaction|too much/many gas|gas cap|one trade gas|gas hungry|gas price spike|"
    "gas heavy/guzzling|needed too much "
    "gas|expensive gas|gas too high/expensive",
    ("gas float",): "gas float|hot/trading key/wallet/account is/was/ran/_ empty/dry/low/drained|not pay for gas|not "
    "enough/no ether/eth/money/coin/fund for/left "
    "gas/fee|wallet ran dry|out of ether/eth for gas|low float",
    ("pools in flight",): "pool in flight|same/shared/sharing/common pool busy/taken/used/twice/with/as/another/_|"
    "already trading/using/in/being pool/traded/used|using "
    "pool|"
    "another of "
    "trade/ours|sharing pool|share pool|pool already/overlap/conflict/collision/contention|"
    "busy pool|had something/trade/one _/running/going/open/pending in/at/on that/same/_ pool|pool "
    "had one of ours|two/2 trade at/in/on/through one/same pool|in way of own|own "
    "trade in pool|still in pool/use|double use|pool not free|trade "
    "still out/open/pending/flying on/in/through/over pool|pool awaiting|pool tied up|unfinished trade|open "
    "trade|pending trade|outstanding trade|same pool",
    (
        "open intents",
    ): "open intent|too many open/pending/at once/outstanding/unsettled/concurrent/simultaneous/in flight|in "
    "flight limit|slot full|"
    "full queue|no free slot|concurrency",
    ("exposure",): "exposure|too exposed|overexposed|at risk at once|too much at stake/risk/exposed",
    ("notional",): "too big/large/great/much/huge/heavy/bulky/high|oversized|oversize|outsized|over sized|"
    "size/amount/trade/position/stake/ticket/"
    "volume/value/sum cap/limit/ceiling/maximum/bound|"
    ""
    "size above|above what "
    "permit/allow|above size|size/amount/value exceed/over/above/too/breach/beyond/past "
    "big/large/limit/cap/maximum/permit/allow/much/high/_|more than may/allow/permit/risk|maximum/max "
    "size/amount/trade/notional/value|max out|too "
    "rich for limit|more money than allow/permit/limit|per trade limit/cap/size|limit on/for size/amount/trade|"
    "cap on size/amount/trade|bulk|too large for cap",
    (
        "notional a day",
        "notional of a token a day",
        "notional at a venue a day",
    ): "daily/day/today volume/notional/turnover/trading _/limit/cap|volume of/a/per/for day|notional a "
    "day|turnover|volume cap/limit|traded too much today",
    (
        "trades a minute",
        "an agent's trades a minute",
    ): "trade a/per/each/in minute|rate/pace/frequency/speed/tempo/cadence limit/cap/limiter/limiting|"
    ""
    "too fast/often/frequent/quick|"
    "throttled|throttle|"
    "throttling|"
    "quick/rapid/fast/hot/close/coming fast "
    "succession/after/on/fire/"
    "heel one/another/other/heel/succession/_|minute/per limit/quota/cap/minute|per minute|minute "
    "quota/allowance/limit/cap|fast after one another|hurried|cool/cooling down/off|cooldown|rate limited|"
    "spacing|back "
    "to back|in quick succession|one after another/other|rapid fire|trigger happy|flurry|burst|slow down|high "
    "frequency|60 seconds|sixty second",
    ("trading state",): "trading state|halted|halt|paused|pause|trading/engine was/were/is/_ "
    "off/halted/paused/suspended/disabled|switched/turned off|stood still|"
    "brake|suspended|kill switch|standstill|reducing",
    ("token safety",): "token/coin safety/security/risk/trust/unsafe|"
    "unsafe/dangerous/suspicious/scam/malicious/risky/hostile/fraudulent/rogue/dodgy/shady/sketchy/toxic/"
    "fishy/untrustworthy/untrusted/fake/harmful/rotten/crooked/suspect/questionable/dubious/poisonous/poisoned/"
    "nasty/evil/booby token/coin/asset/_|bad token/coin/asset|"
    "scam|honeypot|"
    "honey pot|rug|rug pull|"
    "token safe/trap/danger|not/never "
    "trust/safe/trusted token/coin|flagged token|distrusted token|booby trap|trap|token failed "
    "safety/check/screening/vetting|token screening/vetting/check|safety of token|security of token|blacklisted|"
    "blacklist|red flag|safety check/screen/concern/doubt|fraud|swindle|con",
    (
        "known price",
    ): "known price|no/unknown/missing/without price/value|unpriced|not valued/priced|price is unknown/missing|"
    "no known value|not worth out what|"
    "price not known|valuation|could not value",
    (
        "capital",
    ): "no/lack/shortage/without of/_ capital|not/no enough/_ fund/capital/money|nobody/no/none would/_ lend|no "
    "lender|underfunded|insufficient fund/capital",
    (
        "approval",
        "approvals pending",
    ): "approval|operator had/needed to/_ sign/approve/consent|awaiting/needed signature/consent/operator|sign "
    "off|consent",
    ("declined by the client",): "decline by client|client said/say no",
    (
        "outbid",
    ): "outbid|out bid|overbid|bid more/higher/lower/low/too|somebody/someone/rival/they/other/better/who bid "
    "more/higher|bid/tip/bribe/fee/gas/priority/offer was/were/too/"
    "our/_ low/small/little/weak/stingy/short/lower/stingy|too low/small bid/tip/bribe|"
    "higher/bigger/better/larger/greater/fatter/richer/stronger/winning/superior/competing/top "
    "bid/tip/bribe/fee/offer/priority/payment/gas|"
    "tipped/priced us out|priority fee/auction/gas|lost auction/bidding/bid|"
    "auction|bidding war|bribe|tip|bid|outspent|deeper pocket|"
    "bid was low|beat bid|gas war|paid validator/builder/miner more",
    ("seen late",): ""
    "noticed|too slow/late to see/notice/spot/react|"
    "we/our/engine/scanner/ourselves/eyes were/was/came/_ slow/late/asleep/behind/lagging/lagged/"
    "sluggish/tardy|slower than|before we even/had/_ saw/see/seen/noticed/spotted/looked/knew/aware/notice|"
    "before we/us saw/knew/noticed|late to see/notice/spot/sighting/party/seeing/spotting/detection/scanner|slow "
    "off/to/in/reaction/detection/scanner/mark/react/see/notice|asleep at wheel|late detection|only/first "
    "saw/noticed/found after|after fact/gone|already gone/taken when/before|sleeping|did not "
    "see/notice/spot in/until/before time/late/_|unaware|latency|blind|overlooked|reacted slowly|sluggish|not "
    "quick enough|too slow|slow|not see in time|lagged behind|eyes open late",
    ("mis-sized",): "mis/wrong/bad/badly/wrongly/poor/poorly/incorrect/incorrectly/ill/improper/improperly/off "
    "size/sized/sizing/amount/volume|missized|missize|"
    ""
    "misjudged|misjudge|"
    "misjudged size/amount|miscalculated|miscalculate|miscalculation|wrong amount/size/quantity/number|not/less "
    "right/best/optimal/correct/ideal size/amount|mistake/error in/of/with size/sizing/amount|too "
    "little or too much|put in too|got/getting size/amount wrong|sized wrong/badly/wrongly/poorly|wrong stake|"
    "size guess|misestimated|misestimate|missized|mistaken amount|our amount off",
    ("not chosen",): "went for different/other/better opportunity/trade/one|put/ranked another/other one/trade "
    "on top/first/above|not/never chosen/choose/picked/pick/selected/favoured/favored/preferred|"
    ""
    "something/another/other "
    "else/one/trade instead|preferred|"
    "ranked/ranking low/lower/below/behind/second/beneath|"
    "passed over for/in/favour|passed over|deprioritised|"
    "not make cut|left out for|lower ranked|second choice|busy with another|went for something/another "
    "else/instead|took something/another instead|lower priority|rather than|instead|eyes on another|put aside|"
    "set aside|outranked|not top",
    ("unknown pool",): "unknown/undiscovered/unlisted/unseen/new/unfamiliar pool|pool we not/never "
    "know/knew/heard/seen/track/discovered|pool nobody told us|not know pool|pool was/_ unknown/missing",
    ("unknown venue",): "unknown/unsupported/unfamiliar/foreign exchange/venue/dex|exchange/venue/dex we not/never "
    "follow/know/support|unsupported venue|not know/support venue/exchange",
    ("too many hops",): "too many hop/leg/step/swap|route/path/cycle was/_ too long|longer than search|too long",
    ("simulation failed",): "simulation/dry run/rehearsal failed/fail/crashed/broke/error|not simulate|failed in/_ "
    "simulation/dry/rehearsal _/run",
}
