"""Kinds of words that say together how something ended, and what they say; the notation is that of `endings.py`.

No one word here tells an end by itself: "failed" is a revert with "mined", a refusal with "our checks". So the tables
hold kinds, and `RULES` says what two of a kind make: a few hundred words instead of all their products.
"""

from collections.abc import Mapping
from typing import Final

CUES: Final[Mapping[str, str]] = {
    "chain": "chain|onchain|mine|mining|include|inclusion|blk|land|receipt|explorer|etherscan|execute|execution|"
    "confirm|confirmation|evm|live|went/go through|broadcast|settle|network|landing|transaction|tx|txn|txs|txns|"
    "once sent|when sent|status|blockchain|ledger|mainnet|validator|onto",
    "fail": "fail|failure|blow/blew/blown up|bomb|roll back|rollback|crash|die|dead|boom|explode|error|flop|break|"
    "bounce|backfire|abort|fall over/apart/flat/through|unravel|undo|unwind|collapse|implode|tank|fizzle|"
    "come/came/amount nothing/naught|go/going/turned/turn wrong/south/sour/bad/awry/sideways/belly|"
    "not succeed/work/stick/survive/complete|"
    "unsuccessful|unsuccessfully|choke|dud|kaput|spit/spat back/out|kick back|invalid|faceplant|came undone|"
    "revert|nosedive|disaster|reverse|stumble|misfire|conk|croak|perish|flunk|botch|sink",
    "gasloss": "gas/fee/fees burn/gone/waste/lose/spent/eat/bill/down/forfeit/torch/evaporate/drain/incinerate/"
    "evaporated|burn/eat/waste/lose/cost/pay/torch/swallow/forfeit/squander/blow/spend/foot/shoulder/bear/stomach "
    "_/only/just/some/more/nothing/for/but/on _/for/but gas/fee|gas/fee wasted/burned/burnt/spent/lost/gone|"
    "for nothing/naught/nada/zilch|in vain|only/nothing gas|nothing but gas|down drain|wasted|nothing to show|"
    "out of pocket|paid gas",
    "sent": "send|sent|submit|submission|broadcast|in/mid/still air/flight/pending/transit|flight|midflight|midair|"
    "pending|mempool|fire|transmit|publish|dispatch|launch|unmined|unconfirmed|inflight|outgoing|already out|"
    "out door|propagate|relay|post|go out|put out",
    "undo": "take/took/taken/haul/drag/draw/drew/bring/brought/claw/snatch/fetch back|took/taken/take down|rein in|"
    "kill|scrap|retract|nuke|pull|withdraw|withdrawal|call off|rescind|recall|yank|"
    "overwrite|zap|abandon|undo|void|annul|revoke|abort|scrub|change mind|second thought|cold feet|back "
    "out|pull plug|bin|drop|stop|bail|think better|snuff|terminate|eras|erase|remove|squash|ax|axe|neutralise|"
    "invalidate|supersede|displace|cancel|cancellation|reclaim|halt|walk back|claw back|unsend|unsent|"
    "reconsider|aborted|pulled|discard|ditch|quit|override|reel in|regret|shoot down|wipe|torpedo|reverse course|"
    "on purpose|deliberately|intentionally|voluntarily|"
    "got cold|get rid|trash|call back",
    "repl": "replacement|replace|nonce|bump|override|overwrite|self transfer|empty/blank/zero/dummy/null/noop "
    "_/value transaction/tx|"
    "higher/bigger/pricier/dearer/raised/more fee/gas/tip|substitute|supersede|outpay ourselves|dearer|pricier",
    "gate": "rule|check|filter|sim|simulation|simulator|policy|control|guard|guardrail|limit|risk|screening|screen|"
    "vetting|safeguard|gate|gatekeeper|review|dry|rehearsal|internal|internally|inhouse|house|system|presign|sign|"
    "signing|signature|candidate|idea|compliance|protection|firewall|desk|pretrade|preflight|threshold|hurdle|cap|"
    "validation|ruleset|watchdog|brake|bouncer|proposal|presend|constraint|logic|criteria|criterion|bot|engine|"
    "rulebook|simulate|simulated|sanity|prevention|proposed|suggestion|opportunity|shortlist",
    "deny": "nobody let/sign/approve/clear|decline|turn/turned down/away/back/off|skip|bin|drop|"
    "throw/threw/thrown out/away/back/off|toss|ditch|"
    "discard|dismiss|reject|rejection|refuse|refusal|veto|bar|stop|say/said/saying no|no "
    "thanks/thank/go/dice|not let/permit/allow/pass/clear/approve/accept/authorise/greenlight/okay/green/want/"
    "touch/take/proceed|kill|nix|knock/swat/bat/strike/struck/shoot/shot/vote/voted/wave "
    "back/down/away/off/out|kick/weed/sift/screen/strain/sort/rule/shut/boot/chuck/leave/left/cut out|"
    "hold/held back/off|pull/hit/slam/put/apply brake|brake|"
    "forbid|deny|disallow|pass/passed on/up|exclude|not get/got/make/made/go/went past/through/by/beyond/it|"
    "balk|spurn|rebuff|shelve|ax|axe|withhold|opt/decide/choose/chose not/against|scrap|can|prohibit|prevent|"
    "chuck|eliminate|disqualify|intercept|thumb down|nope|say nope|quash|halt|abandon|turn nose|nope|scupper|suppress|"
    "snub|reject|stay away|steer clear|keep out|fall foul",
    "checks": "rule|policy|limit|check|guard|guardrail|review|risk|safeguard|gate|gatekeeper|control|cap|filter|"
    "screening|"
    "vetting|ruleset|firewall|compliance|validation|pretrade|preflight",
    "tripped": "fell|fall|fail|trip|catch|caught|stop|stumble|founder|kill|die|strike|hit|run foul|foul|block|bar|"
    "snag|end|halt|stuck|sink|ran into|bump",
    "other": "rival|competitor|competition|someone|somebody|others|opponent|adversary|anyone else|third party|"
    "another/other/faster/quicker/rival/competing/different/foreign/smarter/fellow "
    "bot/searcher/trader/arbitrageur/guy/party/team/player/arber/people/folk/firm/engine/person/actor/solver|"
    "other guy/one/side/party|searcher|arbitrageur|else|outsider|stranger|foe|them|frontrunner|mev|outfit|crowd|"
    "enemy|challenger|peer|contender|folk|people|whoever",
    "take": "beat|profit|benefit|earn|cash|help|enjoy|nose|swoop|pounce|gulp|collect|execute|score|succeed|snatch|"
    "grab|capture|exploit|eat|take|claim|scoop|snipe|first|ahead|before|quick|fast|steal|nab|"
    "pinch|poach|lose|outrun|front|frontrun|pip|there|race|slip|swipe|mop|harvest|pocket|seize|bag|land|win|get|"
    "close|make|clean|clear|nick|cream|hoover|gobble|reach|have|arbitrage|pick|corner|walk|run|seal|bank|gone|punch|"
    "filch|executed|go",
    "bot": "bot|searcher|arbitrageur|trader",
    "ahead": "ahead|before|beat|beaten|quick|quicker|fast|faster|outrun|first|front",
    "evm": "evm|chain|onchain|contract|network|blockchain|node|executor|validator|mainnet",
    "not_sent": "not/before/prior/pre/ahead/until _/ever/even/anybody/anyone/anything/anybody/actually "
    "sign/signing/signature/send/broadcast/submit/submission/fire/launch/dispatch/transmission/commit/execute|not "
    "leave/reach _/shop/house/door/mempool/chain/network|not see mempool/chain/light|presign|presend|"
    "pretrade|preflight|pre trade/flight|before door/mempool/wire|unsent|unsigned|not make/made/get/got out/chain/door",
    "was_sent": "after/once/already/when/while _/already/had/even "
    "send/broadcast/submit/submission/fire/out/air/launch/pending/mempool/way/live/dispatch|mid/in flight|"
    "midflight|midair|still/already pending",
    "sim": "simulation|sim|simulate|simulator|dry run|rehearsal|rehearse|simulated|trial run|replay",
    "win": "profit|gain|money|success|succeed|green|win|winner|reward|cash",
}

RULES: Final[tuple[tuple[tuple[str, ...], str, float], ...]] = (
    (("chain", "fail"), "reverted", 1.4),
    (("evm", "deny"), "reverted", 0.8),
    (("gasloss",), "reverted", 0.9),
    (("gasloss", "fail"), "reverted", 0.6),
    (("fail",), "reverted", 0.5),
    (("sent", "undo"), "cancelled", 1.0),
    (("was_sent", "undo"), "cancelled", 1.2),
    (("repl", "undo"), "cancelled", 1.2),
    (("repl", "we"), "cancelled", 0.6),
    (("repl",), "cancelled", 0.5),
    (("we", "undo"), "cancelled", 0.4),
    (("chain", "undo"), "cancelled", 0.3),
    (("not_sent",), "refused", 1.5),
    (("gate", "deny"), "refused", 1.0),
    (("tripped", "checks"), "refused", 1.0),
    (("sent",), "refused", -0.4),
    (("bot", "ahead"), "missed", 0.9),
    (("sim",), "refused", 0.5),
    (("we", "deny"), "refused", 0.4),
    (("deny",), "refused", 0.5),
    (("other", "take"), "missed", 1.3),
    (("other",), "missed", 0.3),
)
"""Kinds that are all in a question -> what it says then, and how surely; what is said outright counts 1."""
APART: Final[Mapping[str, str]] = {"sent": "not_sent", "was_sent": "not_sent"}
"""A kind that says nothing where the other is."""

CONTRAST: Final = ("but", "yet", "however", "nevertheless", "nonetheless", "only to", "and then", "then")
CAUSE: Final = (
    "because", "since", "due to", "owing to", "on account of", "on the grounds", "given that", "as the", "as we",
    "as our", "as it", "as they", "as there", "as its", "as another", "as gas", "as profit", "reason", "thanks to",
    "seeing that", "on grounds", "the cause", "cuz", "bc",
)  # fmt: skip
CONCESSION: Final = ("though", "although", "despite", "in spite", "even if", "while", "whilst", "notwithstanding")
MAYBE: Final = (
    "would", "should", "could have", "supposed", "expected", "expecting", "forecast", "promised", "promising", "looked",
    "projected", "theoretical", "potential", "on paper", "estimated", "predicted", "anticipated", "prospective",
    "hoped", "going to be", "was to be", "to be earned", "advertised", "quoted", "beforehand",
)  # fmt: skip
"""How a clause is begun, or what is in it: the end told after "but" counts more, one in a cause or a wish less."""
