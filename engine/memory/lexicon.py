"""What people call things: phrases of a question -> words of a column. A literal table, longest phrase first.

Only the vocabulary is here; `hints.py` reads a question with it. What it does not know is left to the embedding.
"""

import re
from collections.abc import Mapping
from typing import Final

from engine.memory.pattern import FOREIGN

_SPLIT: Final = re.compile(r"[^a-z0-9.]+|\.(?![0-9])")
FAILED: Final = ("refused", "reverted", "cancelled", "replaced")

STATUSES: Final[Mapping[tuple[str, ...], str]] = {
    ("filled",): "filled|fills|fill|paid|paid off|pay|pays|paying|profitable|profited|profit|made money|makes money|"
    "turned out well|turned out fine|worked out|came back with a gain|with a gain|with a profit|in profit|"
    "made a profit|"
    "paid out|brought money in|brought something in|"
    "earned|earning|earnings|earn|succeeded|successful|success|worked|works|went through|went well|won|wins|winner|"
    "winners|landed|settled|executed|completed|gained|banked|came good|in the money|took home|bagged",
    ("reverted",): "reverted|reverts|revert|reverting|rolled back|bounced|failed on chain|failed onchain|"
    "cost gas and brought nothing|gas and brought nothing|brought nothing|mined in vain|failed after mined|"
    "blew up on chain|burnt gas for nothing|burned gas for nothing|died on chain|undone|mined but failed|threw|"
    "wasted gas|lost its gas|cost us gas for nothing",
    ("refused",): "refused|refusal|refusals|refuse|rejected|rejection|rejections|turned down|turned away|declined|"
    "decline|let through|let go out|our own rules|against our rules|"
    "blocked|stopped|vetoed|denied|held back|not allowed|not let through|forbidden|said no|never sent|not sent|"
    "never signed|prevented|barred",
    ("missed",): "missed|miss|misses|beaten|beat us|rival|rivals|competitor|competitors|somebody else|someone else|"
    "went to another|went to others|slipped away|grabbed|grab|others land|got there first|ahead of us|beat us to it|"
    "others took|others landed|another bot|other bots|front run|frontrun|lost to|snatched|outraced",
    ("cancelled",): "cancelled|canceled|cancel|withdraw|withdrew|withdrawn|called off|taken back",
    ("replaced",): "replaced|superseded|nonce was taken|nonce taken|overtaken by another transaction",
    ("open",): "open|pending|in the air|unresolved|unsettled|waiting for a receipt|not mined yet|still out",
    ("seen",): "not asked for|never asked|ignored|passed over|left alone|not pursued|never tried|not attempted",
    FAILED: "failed|failure|failures|fail|went wrong|goes wrong|did not work|unsuccessful|trouble|lost money|losing",
}

REASONS: Final[Mapping[tuple[str, ...], str]] = {
    ("below floor", "simulation: below floor"): "below floor|below the floor|under the floor|profit floor|"
    "price already moved|edge evaporated|gap gone|gap was gone|market moved|moved away|"
    "floor was not met|price moved|prices moved|price ran away|moved against us|slipped|slippage|gap closed|"
    "gap had closed|margin evaporated|profit vanished|edge was gone|too little was left|arrived too late for the gap",
    ("below minimum", "simulation: below minimum"): "hop minimum|minimum of a hop|hop gave less|leg gave less|"
    "hop returned too little|one leg came up short|"
    "leg came up short|leg returned too little",
    ("balance fell", "simulation: balance fell"): "balance fell|balance dropped|balance went down|balance shrank|"
    "balance would have shrunk|would have ended with less|"
    "holdings shrank|ended with less|left us poorer",
    ("short output", "simulation: short output"): "short output|taxed|tax|taxes|fee on transfer|transfer fee|"
    "tax on transfers|takes a tax|"
    "lying pool|skims|skimmed|delivered less than|took a cut of the transfer",
    ("late", "simulation: late"): "deadline|late|too late|expired|after its time|ran out of time|time was up",
    ("not listed", "simulation: not listed"): "not listed|unlisted|treasury has not listed|not on the list|"
    "treasury never approved the token",
    ("simulation: rests on another",): "rests on another|depended on|depends on|built on a trade|followed a refused|"
    "built on another|build on another|trade that was itself refused|itself refused|"
    "rested on|hinged on another|the one before it was refused",
    (FOREIGN, f"simulation: {FOREIGN}"): "foreign revert|stranger s contract|unknown revert|own error|"
    "stranger s contract complained|error that is not ours|not ours|"
    "custom error|contract of somebody else complained|third party contract",
    ("fresh proof",): "fresh proof|stale head|stale proof|stale|out of date|outdated|head moved on|block moved on|"
    "newer block|block had come in|"
    "proof was old|too old|a newer block|aged",
    ("least net profit",): "least net profit|too little profit|not worth it|not worth|gas ate|gas eats|eaten by gas|"
    "gas would have eaten|eaten the gain|not worth the cost|too little left|"
    "profit too small|too small a profit|unprofitable after costs|costs outweighed|not enough left after gas|"
    "did not cover its costs",
    ("gas budget a day", "gas or loss a day"): "gas budget|gas allowance|daily gas|gas a day|gas for the day|"
    "gas money|day s gas money|gas allowance used|"
    "day s gas|spent its gas|fuel budget|ran out of gas money|daily fee budget",
    ("loss a day", "gas or loss a day"): "loss a day|daily loss|loss limit|loss budget|lost too much|day s losses",
    ("losses in a row",): "losses in a row|losing streak|streak of losses|consecutive losses|one loss after another",
    ("gas a trade",): "gas a trade|gas per trade|too much gas|gas cap|one trade s gas|gas hungry|gas price spike",
    ("gas float",): "gas float|hot key is empty|hot wallet is empty|hot wallet was empty|could not pay for gas|"
    "not enough ether for gas|wallet ran dry",
    ("pools in flight",): "pools in flight|same pool|pool was busy|pool is busy|already being traded|"
    "using the pool|another of our trades|same pool busy|"
    "pool already used|collided with our own|another of ours was using",
    ("open intents",): "open intents|too many open|too many at once|too many pending|in flight limit|slots were full",
    ("exposure",): "exposure|too exposed|at risk at once|too much at stake",
    (
        "notional",
    ): "notional|too big|too large|oversized|size cap|too large for the cap|size above|above what is permitted|"
    "above the size|bigger than permitted",
    ("notional a day", "notional of a token a day", "notional at a venue a day"): "daily volume|volume of the day|"
    "notional a day|turnover|volume cap|daily turnover",
    (
        "trades a minute",
        "an agent's trades a minute",
    ): "trades a minute|rate limit|trading too often|too fast|too frequent|too often|"
    "throttled|pace limit|too many in a minute",
    ("trading state",): "trading state|halted|halt|paused|trading was off|switched off|stood still|brake",
    ("token safety",): "token safety|unsafe token|dangerous token|suspicious token|scam token|honeypot|bad token|"
    "token looked dangerous|token suspicious|scam|"
    "malicious token|token looked hostile",
    ("known price",): "known price|no price|unknown price|unpriced|could not be valued|price is unknown|no known value",
    ("capital",): "no capital|lack of capital|no funds|not enough funds|nobody would lend|no lender",
    ("approval", "approvals pending"): "approval|operator had to sign|awaiting a signature|needed consent|sign off",
    ("declined by the client",): "declined by the client|client said no",
    ("outbid",): "outbid|out bid|bid more|somebody bid more|our tip was too low|tip too low|paid more for the place|"
    "higher tip|bigger tip|tipped more|bid was too low",
    ("seen late",): "seen late|saw it late|noticed late|noticed too late|noticed|too slow|we were slow|slower than",
    ("mis-sized",): "mis sized|missized|wrong size|sized badly|wrongly sized|misjudged the size|misjudged|"
    "misjudged the amount|wrong amount",
    (
        "not chosen",
    ): "not chosen|chose another|picked another|preferred another|something else instead|picked something else|"
    "preferred another one|preferred",
    ("below floor",): "under our threshold|below our threshold",
    ("unknown pool",): "unknown pool|pool we did not know|pool nobody told us about|undiscovered pool",
    ("unknown venue",): "unknown venue|unknown exchange|exchange we do not follow|unsupported exchange",
    ("too many hops",): "too many hops|route was too long|longer than we search|too many legs",
    ("simulation failed",): "simulation failed|did not simulate|failed simulation|dry run failed|failed the dry run",
}

CAPITALS: Final[Mapping[tuple[str, ...], str]] = {
    ("own",): "own capital|own money|own funds|our own balance|own balance|own purse|own pocket|self funded|"
    "our own pocket|out of pocket|own money|"
    "without borrowing|not borrowed|no loan|our treasury s money|equity",
    ("balancer",): "balancer flash loan|balancer loan|money lent by balancer|lent by balancer|borrowed from balancer|"
    "balancer vault lent",
    ("aave",): "aave|aave loan|aave s money|aave flash loan|borrowed from aave|lent by aave",
    ("morpho",): "morpho|morpho s credit|morpho loan|morpho flash loan|borrowed from morpho|lent by morpho",
    (
        "first_pool",
    ): "first pool pays|first pool|flash swap|flashswap|pool fronted|pay the pool later|paying up front|pool paying",
    ("balancer", "aave", "morpho", "first_pool"): "flash loan|flash loans|flashloan|flash loaned|borrowed|loan|"
    "borrowing|leverage|lent|other people s money|somebody else s money|credit",
}

ORIGINS: Final[Mapping[tuple[str, ...], str]] = {
    ("agent",): "agent|agents|agent s|an assistant|assistant|assistants|language model|requested through mcp|a client",
    ("engine",): "the engine s own|engine s own|engine itself|our own scanner|found by the engine|by ourselves",
    ("rival",): "rival|rivals|competitor|competitors|somebody else|someone else|other bots|another bot|beaten|missed",
}

SIZES: Final[Mapping[tuple[str, ...], str]] = {
    ("tiny",): "tiny|dust|dust sized|minuscule|crumbs|microscopic|pennies|a few cents worth",
    ("small",): "small|modest|little ones|less than one ether|under one ether|below one eth|sub ether",
    ("medium",): "medium|medium sized|mid sized|middling|moderate|a few ether|a handful of ether|single digit ether",
    ("large",): "large|big|sizeable|sizable|hefty|tens of ether|dozens of ether|double digit ether|heavy",
    ("huge",): "huge|whale sized|giant|gigantic|enormous|whale|massive|hundreds of ether|over a hundred ether|colossal",
    ("large", "huge"): "largest|biggest|more than ten ether|over ten ether|above ten eth",
}

MARGINS: Final[Mapping[tuple[str, ...], str]] = {
    (
        "razor-thin",
    ): "razor thin|hairline|hairline margin|paper thin|wafer thin|hardly any margin|barely any edge|next to no edge",
    ("thin",): "thin margin|slim margin|narrow spread|thin|slim|narrow|slender",
    ("fair",): "fair margin|fair|decent margin|decent|reasonable spread|fair spread|reasonable margin|healthy",
    ("wide",): "wide|wide margin|fat|juicy spread|wide spread|fat margin|juicy|rich|generous|lucrative|huge margin|"
    "a percent or more|whopping",
}

HOPS: Final[Mapping[int, str]] = {
    2: "two hop|two hops|2 hop|2 hops|two leg|two legs|2 legs|two pools|2 pools|two swaps|2 swaps|pairwise|"
    "there and back|round trip of two|back and forth|in and out|direct cycle|out and straight back|pair of pools",
    3: "three hop|three hops|3 hop|3 hops|three leg|three legs|3 legs|three pools|3 pools|three swaps|3 swaps|"
    "triangle|triangles|triangular|three cornered|three way|three sided",
    4: "four hop|four hops|4 hop|4 hops|four leg|four legs|4 legs|four pools|4 pools|four swaps|4 swaps|"
    "four cornered|square|quadrilateral|four sided|four way|longest routes",
}

VENUES: Final[Mapping[tuple[str, ...], str]] = {
    ("uniswap_v2",): "uniswap v2|uni v2|univ2|uniswap two|uniswap 2|uniswap version two|second uniswap|older uniswap|"
    "old uniswap|classic uniswap",
    ("uniswap_v3",): "uniswap v3|uni v3|univ3|uniswap three|uniswap 3|uniswap version three|third uniswap|"
    "newer uniswap|concentrated liquidity|concentrated|ticks|v3",
    ("sushi_v2",): "sushi v2|sushiswap|sushi|sushi swap",
    (
        "balancer_v2",
    ): "balancer v2|balancer|the vault|weighted pool|weighted pools|weighted|balancer vault|stable pool|stable pools",
    ("uniswap_v2", "uniswap_v3"): "uniswap|uni",
    ("uniswap_v2", "sushi_v2"): "constant product",
}

TOKENS: Final[Mapping[tuple[str, ...], str]] = {
    ("WETH", "ETH"): "weth|wrapped ether|wrapped eth|ether|eth|native coin",
    ("USDC", "USDC.e"): "usdc|usd coin|circle s dollar|circle dollar|circle s coin|circle",
    ("USDT",): "usdt|tether|tether dollars|tether s dollar",
    ("DAI", "USDS"): "dai|maker s stablecoin|maker s coin|maker|maker s dollar|maker dollar|makerdao",
    ("WBTC", "cbBTC", "tBTC"): "wbtc|bitcoin|btc|wrapped bitcoin|cbbtc",
    (
        "wstETH",
        "stETH",
        "cbETH",
        "rETH",
        "weETH",
    ): "staked ether|lido s staked ether|lido|staked eth|steth|wsteth|liquid staking",
    ("LINK",): "link|chainlink",
    ("UNI",): "uni token|uniswap s token",
    ("ARB",): "arb|arbitrum s token",
    ("USDC", "USDT", "DAI", "USDC.e"): "stablecoin|stablecoins|dollars|dollar|stables|stable coin|stable coins",
}

_IDLE_TEXT: Final = (
    "a an the us our we they them it its is was were are be been being had have has did do does of "
    "that this which who get got gets i so very just"
)
_IDLE: Final = frozenset(_IDLE_TEXT.split())
"""Words that say nothing of a trade: "made us money" is "made money"."""

Entry = tuple[str, tuple[str, ...]]
"""(column, words that it may hold)."""


def plain_words(text: str) -> list[str]:
    """Split text into words without those that say nothing, and without a plural's s."""
    words = [word for word in _SPLIT.split(text.lower()) if word and word not in _IDLE]
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]


def _table() -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    by_column = {
        "status": STATUSES,
        "reason": REASONS,
        "capital": CAPITALS,
        "origin": ORIGINS,
        "size": SIZES,
        "margin": MARGINS,
        "venue": VENUES,
        "token": TOKENS,
    }
    for column, table in by_column.items():
        for words, phrases in table.items():
            for phrase in phrases.split("|"):
                _enter(found, phrase, (column, words))
    for hops, phrases in HOPS.items():
        for phrase in phrases.split("|"):
            _enter(found, phrase, ("hops", (str(hops),)))
    return found


def _enter(table: dict[str, list[Entry]], phrase: str, entry: Entry) -> None:
    held = table.setdefault(" ".join(plain_words(phrase)), [])
    if entry not in held:
        held.append(entry)


PHRASES: Final[Mapping[str, list[Entry]]] = _table()
MOST_WORDS: Final = max(len(phrase.split()) for phrase in PHRASES)
