"""Whose key signed when: the genesis names the first, each row of kind "operator" the one after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.verify.history import Row
from engine.verify.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One hot key's time: it signed the rows after `since_seq`, in the blocks from `first` to `last`, None for now.

    `row` is the change that began it, None for the genesis'.
    """

    address: str
    since_seq: int
    first: int
    last: int | None = None
    row: Row | None = None


def first_term(genesis: Mapping[str, Any]) -> list[Term]:
    """Begin with the genesis' key; nothing for a genesis that names none."""
    if "operator" not in genesis or not str(genesis.get("start_block", "")).isdecimal():
        return []
    return [Term(address=str(genesis["operator"]), since_seq=0, first=int(genesis["start_block"]))]


def next_term(row: Row, terms: list[Term], still_open: Sequence[str], report: Report) -> Term:
    """End the last term and begin the next: by the key in use, to one that is new, with nothing left open.

    Raises what reading a body of the wrong shape raises.
    """
    body, before = row.body, terms[-1]
    if body["old"] != before.address:
        report.found(row.seq, "the change of the hot key is from another key", body["old"], before.address)
    if any(body["new"] == term.address for term in terms):
        report.found(row.seq, "a hot key that was replaced signs again", body["new"], "a new key")
    if still_open:
        report.found(row.seq, "the hot key was changed with trades open", ", ".join(still_open), "none open")
    first, last = int(body["set_block"]), int(body["block"]["number"])
    if last < first:
        report.found(row.seq, "the hot key was changed before the treasury's call", last, f"block {first} or later")
    terms[-1] = replace(before, last=last)
    return Term(address=body["new"], since_seq=row.seq, first=first, row=row)
