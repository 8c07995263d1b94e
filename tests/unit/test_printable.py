"""One rule for what may disturb a reader: every character of Unicode goes through it."""

import sys
import unicodedata

from engine.domain.printable import printable
from engine.knowledge.params import readable

EVERY = "".join(map(chr, range(sys.maxunicode + 1)))


def test_nothing_that_moves_a_cursor_turns_the_direction_or_hides_is_left() -> None:
    kept = printable(EVERY)
    assert {unicodedata.category(c)[0] for c in kept} == {"L", "M", "N", "P", "S", "Z"}
    assert {c for c in kept if unicodedata.category(c)[0] == "Z"} == {" "}
    assert kept.isprintable()
    assert printable(kept) is kept


def test_what_is_taken_out_may_leave_a_mark_or_be_kept() -> None:
    text = "a\x1b[2J\u202eb\nc"
    assert printable(text) == "a[2Jbc"
    assert printable(text, instead="?") == "a?[2J?b?c"
    assert printable(text, keep="\n") == "a[2Jb\nc"


def test_what_agents_write_keeps_its_lines_and_every_kind_of_space() -> None:
    kept = readable(EVERY)
    assert {c for c in kept if unicodedata.category(c) == "Cc"} == {"\n", "\t"}
    assert {c for c in EVERY if unicodedata.category(c) == "Zs"} <= set(kept)
    assert readable("a\u2028b\u2029c") == "a b c"
