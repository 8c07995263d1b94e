"""A record's relatives in the journal, found without reading all of it: ids end in the place where they were made.

A record stands at the place in its id or a little after: what one round writes lies together. `WINDOW` says how far
to look; a trade that waited for the operator is written, request and all, when it is let through.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from engine.journal.canonical import Body
from engine.journal.journal import Entry, Journal
from engine.journal.schema import Kind

WINDOW = 512
PAGE = 64


def place(record_id: str) -> int | None:
    """Read the place in an id such as "intent-57", None for what is none."""
    found = re.fullmatch(r"[a-z]+-([0-9]{1,18})", record_id)
    return int(found[1]) if found else None


def backwards(journal: Journal, kind: Kind, *, before_seq: int | None = None) -> Iterator[Entry]:
    """Yield the entries of a kind, the newest first, from before a place on; reads no further than it is asked."""
    before = 2**62 if before_seq is None else before_seq
    query = "SELECT seq FROM entries WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    while page := journal.rows(query, kind, before, PAGE):
        for (before,) in page:
            entry = journal.entry(before)
            if entry is not None:
                yield entry


def newest(journal: Journal, kind: Kind, *, before_seq: int | None = None, limit: int) -> list[Entry]:
    """List the newest entries of a kind, the newest first, from before a place on."""
    return list(islice(backwards(journal, kind, before_seq=before_seq), limit))


def stamped(journal: Journal, kind: Kind, record_id: str) -> Entry | None:
    """Find a record by the id in its stamp."""
    at = place(record_id)
    return None if at is None else _first(journal, kind, at, lambda body: body["stamp"]["id"] == record_id)


def request_from(journal: Journal, parent: Entry, parent_id: str) -> Entry | None:
    """Find the request that an opportunity led to."""
    return _first(journal, "request", parent.seq, lambda body: parent_id in body["stamp"]["parents"])


def request_of(journal: Journal, decision: Entry) -> Entry | None:
    """Find the request that a decision is about: it was written in the same round, a little before."""
    asked = decision.body["request"]
    before = islice(backwards(journal, "request", before_seq=decision.seq), WINDOW)
    return next((entry for entry in before if entry.body["stamp"]["id"] == asked), None)


def proof_of(journal: Journal, request: Entry) -> Entry | None:
    """Find what was proved of a request; None where the simulation failed."""
    asked = request.body["stamp"]["id"]
    return _first(journal, "proof", request.seq, lambda body: body["plan"]["request"] == asked)


def decision_on(journal: Journal, request: Entry) -> Entry | None:
    """Find what was decided on a request."""
    asked = request.body["stamp"]["id"]
    return _first(journal, "decision", request.seq, lambda body: body.get("request") == asked)


def intent_of(journal: Journal, decision: Entry) -> Entry | None:
    """Find what was signed after a decision."""
    decided = decision.body["stamp"]["id"]
    return _first(journal, "intent", decision.seq, lambda body: body["decision_id"] == decided)


def ended_trade(journal: Journal, intent_id: str) -> tuple[Entry, Entry] | None:
    """Find the request and the proof of a trade that was sent; None for a sweep, and where they are not kept."""
    rows = journal.rows("SELECT seq FROM intents WHERE intent_id = ?", intent_id)
    decision = journal.entry(rows[0][0] - 1) if rows else None
    if decision is None or decision.kind != "decision":
        return None
    request = stamped(journal, "request", decision.body["request"])
    proof = stamped(journal, "proof", decision.body["proof"])
    return None if request is None or proof is None else (request, proof)


def outcome_of(journal: Journal, intent_id: str) -> Entry | None:
    """Find how a submission ended; None while it is open."""
    rows = journal.rows("SELECT outcome_seq FROM intents WHERE intent_id = ? AND status != 'open'", intent_id)
    return journal.entry(rows[0][0]) if rows and rows[0][0] is not None else None


def at_place(journal: Journal, kind: Kind, record_id: str) -> Entry | None:
    """Find a record whose id is its very place: reservations, intents, opportunities and commands."""
    at = place(record_id)
    entry = None if at is None else journal.entry(at)
    return entry if entry is not None and entry.kind == kind else None


def _first(journal: Journal, kind: Kind, at: int, fits: Callable[[Body], bool]) -> Entry | None:
    near = journal.entries(kind, after_seq=at - 1, limit=WINDOW)
    return next((entry for entry in near if fits(entry.body)), None)
