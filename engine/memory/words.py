"""A question as words with their clauses: what stands behind "but" counts more, what stands behind "because" less."""

import re
from dataclasses import dataclass
from typing import Final

from engine.memory.stems import IDLE, stem
from engine.memory.vocabulary.cues import CAUSE, CONCESSION, CONTRAST, MAYBE

PLAIN: Final = 1.0
CAUSED: Final = 0.4
"""What an end counts that is told as a cause."""
_MARKS: Final = {"\x01": 1.4, "\x02": CAUSED, "\x03": 0.5}
"""How a clause is marked -> what the end that is told in it counts."""
_OPENED: Final = tuple(
    (re.compile(rf"\b(?:{'|'.join(words)})\b"), f" {mark} \\g<0>")
    for words, mark in ((CONTRAST, "\x01"), (CAUSE, "\x02"), (CONCESSION, "\x03"))
)
_NOT: Final = re.compile(r"n['’]t\b")
_EXTREME: Final = (
    (re.compile(r"\bas ([a-z]+)(?: an?)?( [a-z]+)? as (?:it gets?|they come|they get|can be|possible|they could be)\b"),
     r"extremely \1\2"),
    (re.compile(r"\b(?:so )?([a-z]+) (?:to the extreme|in the extreme|beyond belief)\b"), r"extremely \1"),
)  # fmt: skip
_OWN: Final = re.compile(r"\b(?:we|us|our|ours|ourselves|own)\b")
_WISH: Final = re.compile(rf"\b(?:{'|'.join(MAYBE)})\b")
_TOKEN: Final = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?|[.,;:?!()—–\x01\x02\x03]| - ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """`counts` is what an end told in it counts; `wish` says that it tells what might have been."""

    counts: float
    wish: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words that say something, their stems, and the number of each one's clause. `own` says that "we" is in it."""

    words: tuple[str, ...]
    roots: tuple[str, ...]
    of_clause: tuple[int, ...]
    clauses: tuple[Clause, ...]
    own: bool


def words_of(text: str) -> Words:
    """Split a question, in lower case, into words and clauses."""
    own = _OWN.search(text) is not None
    text = _NOT.sub(" not", text)
    for how, written in (*_EXTREME, *_OPENED):
        text = how.sub(written, text)
    words: list[str] = []
    of_clause: list[int] = []
    said: list[list[str]] = [[]]
    counts = [PLAIN]
    for token in _TOKEN.findall(text):
        if token in _MARKS or not token[0].isalnum():
            said.append([])
            counts.append(_MARKS.get(token, PLAIN))
            continue
        said[-1].append(token)
        if token not in IDLE:
            words.append(token)
            of_clause.append(len(said) - 1)
    clauses = tuple(
        Clause(counts=count, wish=_WISH.search(" ".join(one)) is not None)
        for count, one in zip(counts, said, strict=True)
    )
    roots = tuple(map(stem, words))
    return Words(words=tuple(words), roots=roots, of_clause=tuple(of_clause), clauses=clauses, own=own)
