"""Why, by words of two or three kinds that stand near each other; the notation is that of `endings.py`.

`reasons.py` has the phrases; this has what they are made of, for the ways of saying it that nobody listed.
"""

from collections.abc import Mapping
from typing import Final

_TRADE = "trade|one|arb|deal|transaction|intent|order|cycle|bundle|loop|request|proposal"
_OURS = "own|ours|another|other|earlier|previous|prior|open|pending|unfinished|ongoing|outstanding|unsettled|first|" \
    "still|already|active|live|inflight|sibling|fellow|running|existing"  # fmt: skip
_POOL = "pool|venue|path|hop|leg|market|pair"
_BUSY = (
    "busy|occupy|occupied|claim|taken|tie|tied|lock|hog|reserve|in use|use|spoken for|sit|share|same|engage|hold|"
    "park|working|camp|clash|collide|conflict|overlap|contention|already in|book|earmark|block|bar|squat|cross|"
    "jam|monopolise|tangle|double|stuck|grip|flight"
)
_PROFIT = (
    "profit|gain|edge|gap|margin|spread|return|opportunity|money|payoff|payout|yield|net|result|earning|price|quote"
)
_COIN = "token|coin|asset|currency|erc20"
_SIZE = "size|amount|notional|stake|position|volume|input|quantity|value|ticket|sum|bet|trade"
_CAP = "cap|limit|ceiling|maximum|max|permit|allow|allowance|threshold|bound|ceil"
_STEP = "hop|leg|swap|step|stage|pool"

_RESTS = (
    "stack|piggyback|chain to|depend|dependent|rely|reliant|hinge|sibling|parent|prerequisite|predecessor|hitch|"
    "premise|"
    "predicate|contingent|downstream|upstream|forerunner|lean on|built on|build on|rest on|rested on|tether to|tied|"
    "dependency|foundation|precondition|conditional|knock on|domino|sister|twin trade|companion"
)
_LEANS = (
    "rest|build|lean|hang|tie|follow|link|couple|bundle|ride|rode|lie|need|sit|sat|stand|stood|base|anchor|attach|bolt|"
    "bank|count|assume|presuppose|require|on top|atop"
)
_REJECTED = (
    "reject|refuse|decline|turn down|throw out|thrown out|deny|bar|veto|ditch|toss|knock|scrap|bin|nix|dismiss|"
    "not pass|"
    "discard|disallow|axe|drop|fail|not approve|not go|fell|kill|cancel|void|invalid"
)

GROUNDS: Final[Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    ("mis-sized",): (
        (
            "wrong|wrongly|bad|badly|off|error|mistake|incorrect|incorrectly|inaccurate|flawed|suboptimal|botch|poor|"
            "poorly|bungle|muddle|garble|mangle|bodge|skew|amiss|untuned|mess|fluff|blunder|fumble|askew|imprecise|"
            "faulty|not optimal/right/best/correct|far from|"
            "mis|misread|mistaken|screw|goof|slip|awry|sloppy|misplaced|not spot",
            "size|sizing|sized|amount|quantity|volume|stake|input|calculation|computation|number|figure|optimum|"
            "optimisation|compute|calculate|bet|arithmetic|math|maths",
        ),
        ("misjudge|miscalculate|missize|mis size|misestimate|miscompute|misgauge|mispick|misguess|mis sizing",),
        ("too|over|under", "much|little|small|big|size|sized|large", "put|bet|stake|traded|input|amount|sizing"),
    ),
    ("pools in flight",): (
        (_POOL, _BUSY, f"{_OURS}|{_TRADE}"),
        ("pool|venue", "busy|occupy|occupied|in use|spoken for|earmark|hog|tie|contention|clash|collide"),
        (_POOL, "open|pending|unfinished|ongoing|outstanding|unsettled|inflight|unresolved", f"{_TRADE}|ours|own"),
        ("same|shared|common", "pool", "another|own|already|other|ours"),
    ),
    ("simulation: rests on another",): (
        (_RESTS, _REJECTED),
        (_LEANS, f"{_OURS}|other|one|trade|sister|preceding|companion|partner|parent", _REJECTED),
        (_RESTS, "another|other|earlier|previous|prior|preceding|sibling|companion|sister"),
    ),
    ("least net profit",): (
        (
            "gas|fee|cost|expense|fuel|overhead",
            "eat|swallow|leftover|minus|less|subtract|deduct|remain|leave|left|outweigh|exceed|meagre|net|cover|"
            "devour|dwarf|wipe|after|consume|"
            "gobble|chew|absorb|bigger|remainder|worth|recoup|outstrip|above|cancel out|nibble|munch|justify|margin",
            "profit|gain|win|winning|winnings|proceed|reward|spoils|surplus|too|little|small|not|almost|everything|"
            "nothing|all|most|meagre|thin|slim|low|earn|scrap|"
            "leftover|remain|barely|hardly|paltry|poor|whole|any|less|more|net|worth|insufficient|short|under|below|"
            "minimum|beneath|requirement",
        ),
        ("not|hardly|barely|scarcely", "worth|worthwhile", "gas|fee|cost|effort|trouble|bother|it|sending"),
        ("net", "profit|gain|return", "too|below|little|small|low|minimum|under|least|short|not|insufficient|beneath"),
        ("leftover|remainder|left over", "too|meagre|small|little|thin|tiny|slim"),
    ),
    ("below floor", "simulation: below floor"): (
        (
            _PROFIT,
            "shrivel|thin out|wear off|run dry|cease|crumble|vanish|evaporate|disappear|melt|shrink|shrunk|fade|"
            "collapse|decay|erode|dissolve|floor|threshold|beneath|"
            "below|dwindle|wither|dry|drift|moved against|close up|already close|already go|"
            "already vanish|under minimum|fall short|come short|fell short|no longer|move away|turn against|shifted|"
            "dip under|sink below|slip below|undershoot",
        ),
        (
            "gap|edge|opportunity|spread|arb|mispricing|discrepancy|difference|imbalance|advantage|window",
            "already|no longer|after|sim|simulate|simulation|dry|rehearsal|rehearse|replay|once|by time|meanwhile",
            "go|close|shut|over|spent|not|die|lapse|narrow|tighten",
        ),
        ("price|rate|quote|market", "move|shift|drift|slide|swing|turn|run|change|slip|jump|tick"),
        ("minimum|floor|threshold|bar", "profit|gain|return|payoff", "not|below|beneath|under|short|fall|fell|miss"),
    ),
    ("token safety",): (
        (
            _COIN,
            "ponzi|insecure|unreliable|weird|strange|backdoor|mintable|freeze|pausable|unaudited|scam|unsafe|dodgy|"
            "nasty|smell|suspicious|flag|trust|untrusted|screening|screen|safety|honeypot|dangerous|"
            "rug|malicious|shady|sketchy|fishy|risk|risky|hazard|toxic|vet|vetting|security|secure|hostile|suspect|bad|"
            "distrust|trap|stink|rotten|blacklist|red flag|crooked|iffy|questionable|dubious|unvetted|poison|fraud|"
            "fraudulent|unsound|harmful|phony|bogus|untrustworthy|trustworthy|trusted|doubt|concern|fear|suspicion|"
            "misgiving|qualm|"
            "reservation|safe|wary|worry|alarm|booby",
        ),
        ("honeypot|honey pot|rug pull|rugpull|scam|scammy|blacklist",),
    ),
    ("notional",): (
        (
            _SIZE,
            _CAP,
            "exceed|over|above|beyond|past|break|breach|bust|top|pass|outgrew|more|too|higher|bigger|larger|greater|"
            "overshoot|"
            "surpass|overstep|hit|overrun|outside|cross",
        ),
        ("too|excessively", "big|large|much|huge|heavy|high|bulky|fat", f"{_CAP}|rule|policy|risk|{_SIZE}"),
        ("notional", f"{_CAP}|exceed|over|above|too"),
        ("oversize|oversized|outsized",),
    ),
    ("trades a minute", "an agent's trades a minute"): (
        ("too|so", "often|fast|quick|quickly|many|frequent|frequently|rapid|rapidly|hastily"),
        ("rate|pace|frequency|tempo|speed", "limit|limiter|cap|throttle|too|exceed|over"),
        ("minute|second", "many|limit|too|quota|cap|number|trade|per"),
        ("throttle|cooldown|rate limit|rapid fire",),
    ),
    ("gas budget a day", "gas or loss a day"): (
        (
            "gas|fuel|fee",
            "budget|allowance|quota|ration|allotment|daily|today|spending limit|purse|pot",
        ),
    ),
    ("fresh proof",): (
        (
            "proof|simulation|sim|blk|state|head|data|view|evidence|snapshot|rehearsal",
            "stale|old|older|outdated|expire|aged|obsolete|out date|newer|not current|not fresh|outlive|gone cold",
        ),
    ),
    ("late", "simulation: late"): (
        ("deadline|cutoff|cut off|time limit|expiry|validity",),
        ("too|arrive|mine|land|come|include", "late"),
    ),
    ("outbid",): (
        (
            "bid|tip|bribe|priority|auction|fee|pay|offer",
            "higher|more|low|better|bigger|outbid|too|stingy|beat|larger|lose|fatter|richer|greater|skimp",
        ),
        ("outbid|overbid|outpay|outpaid|outspend|outspent|out bid|underbid",),
    ),
    ("seen late",): (
        (
            "notice|see|saw|spot|react|detect|sight|aware|discover|scanner|attention|wake|woke|realise|detection|"
            "sighting",
            "late|slow|slowly|after|before|already|tardy|delay|behind|too|belatedly|not|until|finally",
        ),
    ),
    ("short output", "simulation: short output"): (
        (
            f"{_COIN}|transfer",
            "tax|skim|cut|withhold|toll|levy|deduct|siphon|shave|clip|short|haircut|commission|keep part|fee on|less",
            "transfer|output|deliver|receive|arrive|move|send|each|way|every|token|pay|on",
        ),
    ),
    ("below minimum", "simulation: below minimum"): (
        (
            _STEP,
            "gave|give|return|pay|yield|deliver|come|out|produce|hand|spit|output",
            "too little|less|short|minimum|below|under|insufficient|too low|not enough|beneath",
        ),
    ),
    ("foreign revert", "simulation: foreign revert"): (
        (
            "contract|foreign|stranger|external|third party|outside|unfamiliar|unknown",
            "error|message|complain|complaint|code|reason|revert",
            "contract|foreign|stranger|unknown|external|outside|third|another|else|other|unfamiliar|not",
        ),
    ),
    ("not chosen",): (
        (
            "prefer|rank|choose|chose|pick|favour|select|prioritise",
            "another|other|different|else|better|not|lower|instead|above|over|ahead",
        ),
    ),
}
"""Kinds that are all within a few words -> the reason; the more kinds, the surer."""
