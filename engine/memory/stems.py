"""Words as they are compared: without inflection, numbers as digits, and without those that say nothing of a trade."""

import re
from functools import lru_cache
from typing import Final

_SPLIT: Final = re.compile(r"[^a-z0-9.]+|\.(?![0-9])")
_IDLE_TEXT: Final = (
    "a an the us our we they them it its is was were are be been being had have has did do does of i so just "
    "that this these those which who whose get got gets s my me you your their there will would could should can may "
    "might must here to am as arbs arbitrages"
)
IDLE: Final = frozenset(_IDLE_TEXT.split())
"""Words that say nothing of a trade: "made us money" is "made money"."""

_NUMBERS_TEXT: Final = (
    "1 one first single|2 two second double pair couple twin twice duo|3 three third triple|4 four fourth "
    "quadruple quad|"
    "5 five fifth|6 six sixth"
)
_NUMBERS: Final = {
    word: row.split()[0]
    for row in _NUMBERS_TEXT.split("|")
    for word in row.split()[1:]
    if word not in ("first", "single")
}
_IRREGULAR_TEXT: Final = (
    "lose lost|win won|pay paid|make made|take took taken|beat beaten|go went gone|fall fell fallen|blow blew blown|"
    "come came|send sent|spend spent|leave left|keep kept|hold held|eat ate eaten|run ran|bring brought|"
    "throw threw thrown|draw drew drawn|say said|sell sold|break broke broken|burn burnt|lend lent|"
    "shrink shrank shrunk|withdraw withdrew withdrawn|overtake overtook overtaken|stand stood|steal stole stolen|"
    "slide slid|fly flew flown|grow grew grown|know knew known|see saw seen|think thought|give gave given|"
    "forbid forbade forbidden|find found|tell told|feel felt|catch caught|hang hung|lean leant|learn learnt|"
    "strike struck|wind wound|sink sank sunk|rise rose risen|drive drove driven|choose chose chosen|"
    "undo undid undone|outdo outdid outdone|wake woke|put puts|let lets|shoot shot|sit sat|build built|stick stuck|"
    "not never without cannot nor no none didnt wasnt werent isnt dont doesnt hadnt havent couldnt wouldnt wont nt|"
    "someone somebody|write wrote written|overwrite overwrote overwritten|bite bit bitten|strike stricken|"
    "foresee foresaw|tear tore torn|wear wore worn|shake shook shaken|freeze froze frozen|tie tied|die died|lie lied|"
    "dry dried|try tried|use used|bar barred blocked blocking|blk block blocks|arbitrage arbing arbed|money funds|"
    "blk block blocks|barred blocked blocking|earn earnt|outrun outran|withhold withheld|mean meant|bear bore borne|"
    "sleep slept"
)
_IRREGULAR: Final = {word: row.split()[0] for row in _IRREGULAR_TEXT.split("|") for word in row.split()[1:]}
NOT: Final = "not"
_CONTRACTED: Final = re.compile(r"n['’]t\b")
_ENDINGS: Final = ("ingly", "edly", "ings", "ing", "ies", "ied", "ers", "ed", "es", "ly", "s")
_VOWELS: Final = frozenset("aeiouy")
_KEPT: Final = frozenset(
    ["losses", "less", "linked", "linking", "daily", "address", "business", "process", "always", "bps", "sushi"]
)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Cut an inflection off: "refusing", "refused" and "refuses" are one."""
    word = _NUMBERS.get(word, word)
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or word in _KEPT or word[0].isdigit():
        return word
    for ending in _ENDINGS:
        root = word[: -len(ending)]
        if ending == "ed" and word.endswith("eed"):
            continue
        if word.endswith(ending) and len(root) >= 3 and _VOWELS.intersection(root) and not word.endswith("ss"):
            if ending in ("ies", "ied"):
                return root + "y"
            if ending == "ers":
                return root + "er"
            if ending != "s" and len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz":
                root = root[:-1]
            word = root
            break
    word = _IRREGULAR.get(word, word)
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


_FILLER_TEXT: Final = (
    "and or but if then than also any all some many much more most what when where why how because since as "
    "while after "
    "before during for from to into in on at with by via through over across using trade cycle loop arbitrage route "
    "opportunity deal transaction attempt ones kind sort show list give find tell know want see look like about only "
    "please each every let such both happen involve ever even still though although where up out off down back "
    "round trip "
    "run go come fetch display let arb case many be due not that involv featur contain includ us recall remember "
    "very really quite rather which ran happen swap pool routing rout path arbitrag cycl deal engine end ended "
    "close closed finish version one token coin ever our result previous"
)
FILLER: Final = frozenset(stem(word) for word in _FILLER_TEXT.split())
"""Words that neither begin nor end a run."""


def plain_words(text: str) -> list[str]:
    """Split text into words as they stand, without those that say nothing."""
    words = _SPLIT.split(_CONTRACTED.sub(" not", text.lower()))
    return [word for word in words if word and word not in IDLE]


def stems(text: str) -> list[str]:
    """Split text into the stems of its words."""
    return [stem(word) for word in plain_words(text)]
