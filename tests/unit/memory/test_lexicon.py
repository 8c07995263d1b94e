"""Words that were never taught: phrases left out of the lexicon, inflections, numbers and a "not"."""

from __future__ import annotations

from functools import cache

import pytest

from engine.memory import lexicon
from engine.memory.columns import Columns
from engine.memory.embedding import embedding_named
from engine.memory.hints import Hint, read_question
from engine.memory.pattern import Names
from engine.memory.soft import Soft
from engine.memory.stems import plain_words, stem, stems

FOLDS = 4
LEAST = 0.3
"""Of the phrases of ends that are left out, the share that is read rightly by those that stay."""


@pytest.mark.parametrize("words", ["refuse refused refuses refusing", "lose lost losing", "stop stopped stopping"])
def test_inflections_are_one_word(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 1


def test_numbers_are_digits_and_a_not_is_heard_in_a_contraction() -> None:
    assert stems("three hops, the second pool") == ["3", "hop", "2", "pool"]
    assert "not" in stems("it didn't pay")


@pytest.mark.parametrize(
    ("asked", "column", "word"),
    [
        ("which did not make money", "status", "reverted"),
        ("what was never profitable", "status", "refused"),
        ("trades without a flash loan", "capital", "own"),
        ("which were snaffled by a quicker searcher", "status", "missed"),
        ("routes with a gossamer margin", "margin", "razor-thin"),
    ],
)
def test_words_that_are_no_phrase_are_read_by_the_nearest(asked: str, column: str, word: str) -> None:
    assert any(hint.column == column and word in hint.words for hint in read(asked))


def test_phrases_that_are_left_out_are_found_by_those_that_stay(capsys: pytest.CaptureFixture[str]) -> None:
    embedding = embedding_named("wordllama")
    right: list[bool] = []
    for fold in range(FOLDS):
        out = [*lexicon.FIRST][fold :: FOLDS * 5]
        soft = Soft(embedding, without=frozenset(out))
        for key in out:
            phrase, words = lexicon.FIRST[key]
            near = soft.nearest(plain_words(phrase))
            right.append(near is not None and bool(set(words) & set(near.words)))
    with capsys.disabled():
        print(f"\nof {len(right)} phrases of ends left out {sum(right) / len(right):.2f} are read rightly")
    assert sum(right) / len(right) >= LEAST


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("it landed on chain, and it blew up anyway", "reverted"),
        ("included in a block but failed", "reverted"),
        ("executed but rolled back", "reverted"),
        ("sent and then took back with a replacement", "cancelled"),
        ("retracted with a same-nonce transaction of a higher fee", "cancelled"),
        ("thrown out by our own checks", "refused"),
        ("failed our checks before anybody signed anything", "refused"),
        ("another bot made off with it", "missed"),
        ("a fat profit forecast, withdrawn by us mid-flight", "cancelled"),
        ("paid though there was barely anything in it", "filled"),
    ],
)
def test_only_one_end_is_read_of_a_question(asked: str, status: str) -> None:
    assert [hint.words for hint in read(asked) if hint.column == "status"] == [(status,)]


def test_a_failure_that_nothing_is_said_with_may_be_a_refusal_too() -> None:
    (every, most) = [hint for hint in read("why did sushi triangles fail") if hint.column == "status"]
    assert "refused" in every.words and most.words == ("reverted",) and most.trust < every.trust


@pytest.mark.parametrize(
    ("asked", "column", "word"),
    [
        ("wins where the edge was as slim as it gets", "margin", "razor-thin"),
        ("wins at a slim edge", "margin", "thin"),
        ("wins with almost no money put in", "size", "tiny"),
        ("low-stake wins", "size", "small"),
        ("very big wins with an edge", "size", "large"),
        ("outrageously big wins", "size", "huge"),
    ],
)
def test_a_degree_is_of_the_noun_that_it_stands_by(asked: str, column: str, word: str) -> None:
    found = [(hint.column, hint.words) for hint in read(asked) if hint.column in ("size", "margin")]
    assert found == [(column, (word,))]


def test_what_is_too_small_is_a_reason_and_no_size() -> None:
    columns = {hint.column for hint in read("dropped because the leftover after gas was too meagre")}
    assert "reason" in columns and not columns & {"size", "margin"}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("refused as a pool in the path was still occupied by an unfinished one of ours", "pools in flight"),
        ("ditched because the one it was stacked on had been rejected too", "simulation: rests on another"),
        ("lost to a rival because we fumbled the amount", "mis-sized"),
        ("refused since fees would have gobbled up nearly all of the gain", "least net profit"),
    ],
)
def test_a_reason_is_read_from_its_words(asked: str, reason: str) -> None:
    assert [hint.words for hint in read(asked) if hint.column == "reason"] == [(reason,)]


def read(asked: str) -> tuple[Hint, ...]:
    return read_question(asked, columns(), Names()).words


@cache
def columns() -> Columns:
    return Columns(embedding_named("wordllama"), Names())
