"""How it ended, as a question says it: every phrase and every pair of cues votes, and one end is read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from engine.memory.lexicon import spread
from engine.memory.mentions import Mention
from engine.memory.vocabulary.cues import APART, CUES, RULES
from engine.memory.vocabulary.endings import FAILED
from engine.memory.words import PLAIN, Words

Votes = dict[str, float]
_PHRASE: Final = 1.0
_WORD: Final = 0.7
_DOUBTFUL: Final = 0.3
_WISHED: Final = 0.2
_BY_REASON: Final = 0.7
_BY_GROUND: Final = 0.3
_BARE: Final = 0.5
"""Votes of a "failed" that nothing is said with: a refusal is a failure too."""
LEAST: Final = 0.25
"""Votes below which a question says nothing of an end."""
_DOUBTFUL_WORDS: Final = frozenset(
    spread(
        "land|settle|execute|complete|clear|stop|abort|net|deliver|capture|realise|positive|fail|beaten|reverse|"
        "throw|trip|unwind|guard|policy|gate|open|pending|skip|take|give|blow up|before us|ahead of us|else|"
        "competition|confirmed|thrown out|thrown|kicked out|bid|burnt|lost|let go|"
        "voided|void|scratched|abandoned|skipped|withhold|bar|harvested|paid|pay|gain|wasted gas|failed transaction|"
        "hit|unsettled|unfinished|unresolved|outstanding|ongoing|undecided|awaiting confirmation"
    )
)
"""Phrases that tell an end only with others."""
MISSED_REASONS: Final = frozenset({"outbid", "seen late", "mis-sized", "not chosen", "unknown pool", "unknown venue",
                                   "too many hops", "simulation failed"})  # fmt: skip
REVERTED_REASONS: Final = frozenset({"below floor", "below minimum", "balance fell", "short output", "late",
                                     "foreign revert"})  # fmt: skip


def _kinds() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, phrases in CUES.items():
        for key in spread(phrases):
            held = found.setdefault(key, [])
            if kind not in held:
                held.append(kind)
    return found


_KINDS: Final[Mapping[str, list[str]]] = _kinds()
_LONGEST: Final = max(len(key.split()) for key in _KINDS)


def end_of(
    said: Words, mentions: Sequence[Mention], ground: tuple[tuple[str, ...], Sequence[int]] | None
) -> list[tuple[tuple[str, ...], float]]:
    """Return the end that has the most votes, or those that "failed" leaves open; each with its trust.

    `ground` is a reason that is made of words, and where they are: they are no end, "profit" below a floor no gain.
    """
    votes: Votes = {}
    groups: dict[tuple[str, ...], float] = {}
    for words, weight in _outright(said, mentions, ground[1] if ground else ()):
        if len(words) == 1:
            votes[words[0]] = votes.get(words[0], 0.0) + weight
        else:
            groups[words] = max(groups.get(words, 0.0), weight)
    for status, weight in _composed(said, mentions):
        votes[status] = votes.get(status, 0.0) + weight
    for status in _by_reason(mentions):
        votes[status] = votes.get(status, 0.0) + _BY_REASON
    if ground and (status := _ended_by(ground[0])):
        votes[status] = votes.get(status, 0.0) + _BY_GROUND
    best = max(votes, key=lambda status: votes[status], default="")
    bare = best == "reverted" and votes[best] <= _BARE
    if groups and (not best or bare or votes[best] < max(groups.values())):
        words = max(groups, key=lambda one: groups[one])
        return [(words, 1.0), *([((best,), 0.3)] if best in words else [])]
    return [((best,), 1.0)] if best and votes[best] >= LEAST else []


def _outright(
    said: Words, mentions: Sequence[Mention], apart: Sequence[int]
) -> Iterator[tuple[tuple[str, ...], float]]:
    for one in mentions:
        if one.denied:
            continue
        phrase = " ".join(said.roots[one.first : one.last])
        clause = said.clauses[said.of_clause[one.first]]
        weight = _DOUBTFUL if phrase in _DOUBTFUL_WORDS else _WORD if one.last - one.first == 1 else _PHRASE
        for column, words in one.entries:
            if column == "status":
                wished = _WISHED if words == ("filled",) and (clause.wish or one.first in apart) else PLAIN
                yield words, weight * clause.counts * wished


def _composed(said: Words, mentions: Sequence[Mention]) -> Iterator[tuple[str, float]]:
    """Yield what cues say together; a cue counts as its clause does."""
    free = [True] * len(said.roots)
    for one in mentions:
        if one.entries[0][0] not in ("status", "origin"):
            free[one.first : one.last] = [False] * (one.last - one.first)
    cues: dict[str, dict[int, float]] = {}
    for length in range(1, min(_LONGEST, len(free)) + 1):
        for at in range(len(free) - length + 1):
            if not all(free[at : at + length]):
                continue
            for kind in _KINDS.get(" ".join(said.roots[at : at + length]), ()):
                counts = said.clauses[said.of_clause[at]].counts
                cues.setdefault(kind, {})[at] = max(counts, cues.get(kind, {}).get(at, 0.0))
    for kind, other in APART.items():
        if other in cues:
            cues.pop(kind, None)
    if said.own:
        cues["we"] = {-1: PLAIN}
    for kinds, status, weight in RULES:
        held = [cues.get(kind, {}) for kind in kinds]
        if all(held) and (len(held) == 1 or len({at for places in held for at in places}) > 1):
            yield status, weight * min(max(places.values()) for places in held)


def _by_reason(mentions: Sequence[Mention]) -> Iterator[str]:
    for one in mentions:
        for column, words in one.entries:
            if column == "reason" and (status := _ended_by(words)):
                yield status


def _ended_by(reason: tuple[str, ...]) -> str:
    """Name the end that alone has this reason, if one has."""
    if reason[0] in REVERTED_REASONS:
        return ""
    return "missed" if reason[0] in MISSED_REASONS else "refused"


def agrees(reason: tuple[str, ...], status: tuple[str, ...]) -> bool:
    """Say whether a trade that ended so can have this reason."""
    if status == FAILED or len(status) != 1:
        return True
    if reason[0] in MISSED_REASONS:
        return status[0] == "missed"
    if reason[0] in REVERTED_REASONS:
        return status[0] in ("reverted", "refused")
    return status[0] == "refused"
