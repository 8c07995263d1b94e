"""Mutants that no test can tell from the source, each with the reason. A run fails where one is killed after all."""

SLOWEST = "the first chain's blocks are the slowest, and an unknown chain gets the same pace"
FIRST_ENTRY = "only the first of the entries is taken"
ONLY_ITS_PLACE = "of the fault only the name of the limit is told"
HALTS = (
    "halt.py take_halt: halt.reducing and trading_state(journal, state) != 'HALTED'"
    " -> trading_state(journal, state) != 'HALTED'"
)
ONE_ROW = "one row of one column: the last is the first"
FIRST_CHAIN = (
    "chain_time.py module: {ChainId(1): 12, ChainId(10): 2, ChainId(8453): 2, ChainId(42161): 1} -> no row ChainId(1)"
)
PRICED = "what has no price was refused by a rule before"
EQUIVALENT: dict[str, str] = {
    "caps.py _rate_of_agent: 0 -> -1": "a policy allows one trade a minute at least: none and one are both within",
    "caps.py leap: last is None or is_plausible(last, block) -> is_plausible(last, block)": (
        "no time before is plausible too; the words are for the type checker"
    ),
    FIRST_CHAIN: SLOWEST,
    "chain_time.py module: 1 -> 2": SLOWEST,
    "chain_time.py module: 1 -> 0": SLOWEST,
    "rules.py notional: 0 -> -1": "no limit is below nothing: known_price refuses what is unknown",
    "review.py review: token_faults or {} -> token_faults": "None is no token at fault, as an empty table is",
    "review.py review: proof.gross_wei or 0 -> proof.gross_wei": PRICED,
    "review.py review: 0 -> 1 #2": PRICED,
    "review.py review: 0 -> -1 #2": PRICED,
    "review.py review: 0 -> -1": "the book never holds fewer than no open trades, and the greater counts",
    "review.py bid_within: 0 -> 1": "the room is asked for with nothing burnt, whatever the claim says it burns",
    "limits.py LimitLedger.worst_of: 0 -> -1": ONE_ROW,
    "limits.py LimitLedger.worst_of: 0 -> -1 #2": ONE_ROW,
    "limits.py LimitLedger._reserved: 0 -> -1": ONE_ROW,
    "limits.py LimitLedger._reserved: 0 -> -1 #3": ONE_ROW,
    "operator.py take_resume: 1 -> 2": FIRST_ENTRY,
    "operator.py signer_of: (ValueError, BadSignature, ValidationError) -> no row ValidationError": (
        "coincurve answers BadSignature to every such value; only eth_keys' own backend says ValidationError"
    ),
    "in_force.py PolicyInForce.challenge: 1 -> 2": FIRST_ENTRY,
    "in_force.py PolicyInForce.apply: 1 -> 2": FIRST_ENTRY,
    "versions.py version_in_force: 1 -> 2": FIRST_ENTRY,
    "versions.py _terms: False -> True": ONLY_ITS_PLACE,
    "versions.py _terms: False -> True #2": ONLY_ITS_PLACE,
    HALTS: "a halt that does not reduce has written its file by then, so that the state is HALTED",
}
