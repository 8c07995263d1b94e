"""Why things ended as they did, as people say it; the notation is that of `endings.py`."""

from collections.abc import Mapping
from typing import Final

from engine.memory.pattern import FOREIGN

REASONS: Final[Mapping[tuple[str, ...], str]] = {
    (
        "below floor",
        "simulation: below floor",
    ): "below/under/beneath _/profit floor|profit floor|floor not met/reached/kept|short of floor|"
    "missed floor|not meet/reach/clear floor|price/rate/market/quote already/_ "
    "moved/changed/shifted/drifted/ran/turned/swung/"
    "slid/jumped/swinging away/against/under/off/on/_ us/it/them/_|moved against us|moving/shifting/changing "
    "price/market/rate|price "
    "movement/move/change/shift/swing/drift/slide|slipped|slippage|"
    "edge/gap/profit/margin/spread/gain/opportunity/advantage/difference/discrepancy/"
    "arb/mispricing already/had/_ "
    "gone/evaporated/vanished/closed/disappeared/melted/dried/shrunk/narrowed/faded/collapsed/decayed/"
    "eroded/dissolved/shut/went/spent away/up/_|gone in simulation|too little profit/gain/left/money|too "
    "little/less/smaller profit/gain in/when simulated/"
    "rehearsed/simulation/rehearsal|simulation/rehearsal/dry/trial show/found/came/gave/_ too/_ "
    "little/less/low/short/small profit/gain/_|under/below threshold|profit below/under/short/beneath "
    "minimum/threshold/floor/least/requirement|"
    "arrived late for gap|price ran away|ate margin|eaten by slippage|slippage ate margin/profit|not enough "
    "profit/left/gain/return _/in "
    "simulation/rehearsal/simulated/dry|less than promised/expected/needed/required/demanded|came up short of "
    "profit/floor|fell short|yield/return/"
    "result/payout/output/profit too low/thin/small/meagre in/on/when/_ simulation/rehearsal/dry/simulated/replay|"
    "stale price/quote|worse price/rate|price no longer/not held/good/right/there|profit not there/left|nothing "
    "left to earn/win|"
    "opportunity gone/closed/stale|unfavourable move|bad price|adverse move/price|adverse|market ran",
    (
        "below minimum",
        "simulation: below minimum",
    ): "hop/leg/step/swap minimum|minimum of/for/on hop/leg/step/swap|hop/leg/step/swap gave/"
    "returned/paid/yielded/delivered/produced too/_ less/little/short|one/single leg/hop/step/swap "
    "came/fell/was up/_ short/low|"
    "leg came short|min out|minimum out/output/amount|below/under minimum|amount out too low/small|minimum/min "
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
    ): "not listed|unlisted|treasury/we not list/approve/know/whitelist|not on list/whitelist|never approved token|"
    "not whitelisted|off list|unapproved token|not allowlisted",
    (
        "simulation: rests on another",
    ): "rest/rested/depended/depends/dependent/relied/relying/built/build/leaned/leaning/hinged/hung/hanging/"
    "hang/based/"
    "counted/banked/waited/stood/stacked/piggybacked/premised/predicated/contingent on/upon "
    "earlier/another/other/previous/refused/prior/preceding/"
    "rejected/blocked/declined trade/one/refused/_|rest on another|depended on|"
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
    ("least net profit",): "too little/_ profit/gain/money left/remaining/_ after/left|not enough profit/gain left|least/minimum net/_ profit|too little profit after|not worth/worthwhile "
    "it/while/effort/trouble/gas/cost/candle/sending/_|not "
    "worth|gas/cost/fee eat/swallow/outweigh/exceed/consume/devour/wipe/dwarf/absorb/outstrip/higher/more "
    "up/out/than/_ profit/gain/edge/margin/return/everything/_|eaten/swallowed/consumed/wiped/devoured "
    "up/out/away/_ by gas/cost/fee|"
    "profit/gain/net/return/earning too small/little/low/thin/meagre/slim/tiny/paltry|too "
    "small/little/slim/meagre/low profit/gain/return/"
    "net|unprofitable after cost/gas/fee|cost outweigh|not/never/nothing/little/too/less "
    "enough/left/remaining/little/remain/small/over "
    "left/profit/gain/net/_ after gas/cost/fee|not cover cost/gas/fee/expense|earning too little|"
    "earn/earning/earned/make/making/paid/bring/net/netting/leave/clear/"
    "yield too/_ little/less/small after/once/net gas/cost/fee|net of gas/cost/fee|net profit|uneconomic|"
    "uneconomical|marginal|negligible "
    "gain/profit|would not pay for gas|too cheap|too little in it|net gain below/under/too|below "
    "minimum profit|gas would have eaten gain|barely "
    "cover/break|break even|not economic|more gas than profit|cost more than gain/earned/profit|thin after gas",
    (
        "gas budget a day",
        "gas or loss a day",
    ): "gas/fuel/fee budget/allowance/quota/allotment/ration/purse/pot/limit/cap/ceiling/money/spend/spending "
    "of/for/a/per/_ day/today/daily/_|daily/day gas/fuel/fee "
    "budget/allowance/quota/money/spend/limit/cap/ration/allotment/ceiling/_|day gas|gas a/per/"
    "for/of/in/each day|spent/used/exhausted/burned/burnt/consumed/blown/ran/run up/out/through/its/of/_ "
    "gas/fuel/fee money/budget/allowance/quota/ration/allotment/_|gas "
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
    (
        "pools in flight",
    ): "pool in flight|same/shared/sharing/common pool busy/taken/used/twice/with/as/another/_|pool/venue "
    "was/were/is/already/still/being/_ "
    "busy/used/taken/occupied/engaged/locked/reserved/claimed/traded/crowded/blocked/tied/held/touched/booked/"
    "hit|already trading/using/in/being pool/traded/used|using "
    "pool|another/earlier/own/trade/one/ours already/still/_ "
    "using/in/occupied/held/used/touching/sat/sitting/blocking/tying/on/at/through up/on/in/_ pool|another of "
    "trade/ours|sharing pool|share pool|pool already/overlap/conflict/collision/contention|collided/"
    "clashed/overlapped/conflicted/competed/crossed/interfered/collide/clash/overlap/conflict/interfere/bump "
    "with/into own/another/other/ourselves/earlier/ours/one/trade/open/"
    "pending/_|busy pool|had something/trade/one _/running/going/open/pending in/at/on that/same/_ pool|pool "
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
    (
        "notional",
    ): "notional|too/overly big/large/great/much/huge/heavy/bulky/high|oversized|oversize|outsized|over sized|"
    "size/amount/trade/position/stake/ticket/"
    "volume/value/sum cap/limit/ceiling/maximum/bound|"
    "exceed/exceeding/over/above/beyond/past/broke/breach/breaching/breached/bust/bigger/larger/greater/higher/more/"
    "outgrew/topped/passed "
    "size/max/maximum/largest/biggest/permitted/allowed/permit/allow/cap/limit/ceiling/than/amount "
    "size/trade/amount/limit/cap/permit/allow/permitted/allowed/policy/rule/_|size above|above what "
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
    "trade/trading/came/coming/"
    "firing/sending/sent/order/ordering/going/shooting/_ too/so/overly "
    "often/fast/frequent/frequently/quick/quickly/rapid/rapidly/hastily/many|too fast/often/frequent/quick|"
    "throttled|throttle|"
    "throttling|too many/much trade/order/request/transaction/_ a/per/in/each/at/within "
    "minute/short/time/second/quick/once/row/succession|quick/rapid/fast/hot/close/coming fast "
    "succession/after/on/fire/"
    "heel one/another/other/heel/succession/_|minute/per limit/quota/cap/minute|per minute|minute "
    "quota/allowance/limit/cap|fast after one another|hurried|cool/cooling down/off|cooldown|rate limited|"
    "spacing|back "
    "to back|in quick succession|one after another/other|rapid fire|trigger happy|flurry|burst|slow down|high "
    "frequency|60 seconds|sixty second",
    ("trading state",): "trading state|halted|halt|paused|pause|trading/engine was/were/is/_ "
    "off/stopped/halted/paused/suspended/disabled|switched/turned off|stood still|"
    "brake|suspended|kill switch|standstill|reducing",
    ("token safety",): "token/coin safety/security/risk/trust/unsafe|"
    "unsafe/dangerous/suspicious/scam/malicious/risky/hostile/fraudulent/rogue/dodgy/shady/sketchy/toxic/"
    "fishy/untrustworthy/untrusted/fake/harmful/rotten/crooked/suspect/questionable/dubious/poisonous/poisoned/"
    "nasty/evil/booby token/coin/asset/_|bad token/coin/asset|token/coin/asset was/looked/"
    "look/seemed/appeared/seem/smelled/felt/thought/judged/deemed/considered/flagged/could/not/might/_ "
    "unsafe/dangerous/suspicious/scam/malicious/risky/hostile/fraudulent/"
    "rogue/dodgy/shady/sketchy/toxic/fishy/trusted/trust/fake/harmful/flagged/bad/safe/suspect|scam|honeypot|"
    "honey pot|rug|rug pull|doubt/worry/concern/fear/suspicion/distrust/mistrust/question/warning/"
    "qualm over/about/of/on/with/regarding/_ token/coin/safety/asset/security|token safe/trap/danger|not/never "
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
    "bid/tip/bribe/fee/offer/priority/payment/gas|paid/pay/offered/tipped/bribed/bidding/offering/put/spent "
    "more/extra/higher/better/up _/for/to/than place/miner/validator/builder/"
    "block/us/ours/_|tipped/priced us out|priority fee/auction/gas|lost auction/bidding/bid|"
    "auction|bidding war|bribe|tip|bid|outspent|deeper pocket|"
    "bid was low|beat bid|gas war|paid validator/builder/miner more",
    ("seen late",): "seen/saw/noticed/notice/spotted/spot/found/detected/discovered/heard/learnt/learned/"
    "realised/see/"
    "watched/caught/recognised/reacted/acted/woke "
    "it/them/up/_ too/_ late/slowly/afterwards/slow|noticed|too slow/late to see/notice/spot/react|"
    "we/our/engine/scanner/ourselves/eyes were/was/came/_ slow/late/asleep/behind/lagging/lagged/"
    "sluggish/tardy|slower than|before we even/had/_ saw/see/seen/noticed/spotted/looked/knew/aware/notice|"
    "before we/us saw/knew/noticed|late to see/notice/spot/sighting/party/seeing/spotting/detection/scanner|slow "
    "off/to/in/reaction/detection/scanner/mark/react/see/notice|asleep at wheel|late detection|only/first "
    "saw/noticed/found after|after fact/gone|already gone/taken when/before|sleeping|did not "
    "see/notice/spot in/until/before time/late/_|unaware|latency|blind|overlooked|reacted slowly|sluggish|not "
    "quick enough|too slow|slow|not see in time|lagged behind|eyes open late",
    ("mis-sized",): "mis/wrong/bad/badly/wrongly/poor/poorly/incorrect/incorrectly/ill/improper/improperly/off "
    "size/sized/sizing/amount/volume|missized|missize|"
    "size/sizing/amount/volume/quantity/stake was/were/being/had/_ "
    "off/wrong/misjudged/mistaken/bad/incorrect/inaccurate/out/suboptimal/amiss/miscalculated/poor/error/"
    "mistake|misjudged|misjudge|"
    "misjudged size/amount|miscalculated|miscalculate|miscalculation|wrong amount/size/quantity/number|not/less "
    "right/best/optimal/correct/ideal size/amount|mistake/error in/of/with size/sizing/amount|too "
    "little or too much|put in too|got/getting size/amount wrong|sized wrong/badly/wrongly/poorly|wrong stake|"
    "size guess|misestimated|misestimate|missized|mistaken amount|our amount off",
    ("not chosen",): "went for different/other/better opportunity/trade/one|put/ranked another/other one/trade "
    "on top/first/above|not/never chosen/choose/picked/pick/selected/favoured/favored/preferred|"
    "chose/picked/preferred/favoured/selected/opted/ranked/rated/prioritised/liked for/_ "
    "another/other/something/different/else/better/elsewhere else/one/instead/trade/_|something/another/other "
    "else/one/trade instead|preferred|another/other/different/better one/trade/candidate/"
    "opportunity/choice/option/idea looked/ranked/seemed/was/came/preferred/chosen/picked/won/_ "
    "better/higher/first/preferred/instead/chosen/picked|ranked/ranking low/lower/below/behind/second/beneath|"
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
