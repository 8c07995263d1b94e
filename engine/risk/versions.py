"""The versions of the policy, as the journal holds them: the first in its genesis, each later one tightened or signed.

The journal's file belongs to the user that the daemon runs as. So versions are checked as they are read: one that
loosens without the operator's signature stops the engine, whoever wrote it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eth_account.messages import SignableMessage, encode_defunct
from pydantic import ValidationError

from engine.domain.commands import ApplyPolicy
from engine.domain.errors import ControlError, JournalError
from engine.domain.units import Address, BlockRef
from engine.journal.canonical import Body, plain
from engine.journal.journal import Entry, Journal
from engine.risk.loosening import changes, loosenings, said
from engine.risk.operator import sign, signer_of
from engine.risk.terms import Terms, terms_hash

How = Literal["genesis", "tightened", "signed"]

_AGAIN = "see ketch policy diff, and sign with ketch policy apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The terms in force from one entry on. `hash` is of the terms as they stand there.

    `names` are the settings that it stands for: a limit that this ketch knows and the entry did not name is new.
    """

    number: int
    terms: Terms
    hash: str
    how: How
    names: frozenset[str]

    @property
    def whole(self) -> bool:
        """True when it names every limit that this ketch knows."""
        return self.names == self.terms.flat().keys()


def version_in_force(journal: Journal) -> Version:
    """Read every version up to the newest; raises `JournalError` at one that does not follow from the one before."""
    genesis = next(journal.entries(limit=1))
    body: Body = {name: genesis.body[name] for name in ("policy", "agents") if name in genesis.body}
    first: Body = {"risk": body.get("policy", {})} | ({"agents": body["agents"]} if "agents" in body else {})
    held = Version(number=1, terms=_terms(first, 1), hash=terms_hash(first), how="genesis", names=_names(first))
    for entry in journal.entries("policy"):
        held = _following(held, entry, genesis)
    return held


def write_version(
    journal: Journal,
    held: Version,
    terms: Terms,
    *,
    principal: str,
    block: BlockRef,
    consent: ApplyPolicy | None = None,
) -> Version:
    """Write the version after `held`: a tightening, or with the operator's consent whatever was signed."""
    body = terms.body()
    version = Version(
        number=held.number + 1,
        terms=terms,
        hash=terms_hash(body),
        how="signed" if consent else "tightened",
        names=frozenset(terms.flat()),
    )
    signed: dict[str, Any] = {name: getattr(consent, name, None) for name in ("expires_s", "nonce", "signature")}
    entry = {
        "version": version.number,
        "terms": body,
        "hash": version.hash,
        "policy_hash": terms.risk.digest(),
        "previous": held.hash,
        "how": version.how,
        "principal": principal,
        "block": block,
        **signed,
    }
    journal.append("policy", plain(entry))
    return version


def policy_message(held: Version, wanted: Terms, *, journal: str, expires_s: int, nonce: str) -> SignableMessage:
    """Write out what a change of the policy means, as the text that is signed (EIP-191).

    `journal` is the genesis entry's hash. The two hashes hold all terms, before and after; the lines between say in
    which they differ.
    """
    differ = sorted(changes(held.terms, wanted), key=lambda change: change.name)
    lines = (
        "Ketch: change the policy",
        *(f"{change.name}: {said(change.old)} -> {said(change.new)}" for change in differ),
        f"from version {held.number} {held.hash}",
        f"to version {held.number + 1} {terms_hash(wanted.body())}",
        f"journal {journal}",
        f"expires {expires_s}",
        f"nonce {nonce}",
    )
    return encode_defunct(text="\n".join(lines))


def sign_policy(
    state: Path,
    passphrase: str,
    held: Version,
    wanted: Terms,
    *,
    principal: str,
    journal: str,
    expires_s: int,
    nonce: str,
) -> ApplyPolicy:
    """Sign a change of the policy with the operator's secret; raises `ControlError` for a wrong passphrase."""
    message = policy_message(held, wanted, journal=journal, expires_s=expires_s, nonce=nonce)
    return ApplyPolicy(
        principal=principal,
        previous=held.hash,
        hash=terms_hash(wanted.body()),
        expires_s=expires_s,
        nonce=nonce,
        signature=sign(state, passphrase, message),
    )


def verify_policy(
    given: ApplyPolicy,
    held: Version,
    wanted: Terms,
    *,
    operator_secret: Address,
    journal: str,
    now_s: int,
    used_nonces: Collection[str],
) -> None:
    """Check that the operator signed this very change of the policy in force, for now and for the first time.

    `operator_secret` and `journal` are the genesis entry's. Raises `ControlError` naming the first thing wrong.
    """
    found = terms_hash(wanted.body())
    wrong: tuple[tuple[bool, str, object, object], ...] = (
        (given.previous != held.hash, "the policy changed since this was signed", given.previous, held.hash),
        (given.hash != found, "the settings ask for another policy than was signed", given.hash, found),
        (given.expires_s <= now_s, "the signature has expired", f"now {now_s}", f"before {given.expires_s}"),
        (given.nonce in used_nonces, "the signature was used before", f"nonce {given.nonce}", "once"),
    )
    for is_so, what, measured, limit in wrong:
        if is_so:
            raise ControlError(what, measured=measured, limit=limit, next_step=_AGAIN, code="policy_refused")
    message = policy_message(held, wanted, journal=journal, expires_s=given.expires_s, nonce=given.nonce)
    signer = signer_of(message, given.signature)
    if signer != operator_secret:
        raise ControlError(
            "the change of the policy is not signed by the operator",
            measured=signer or "no signature",
            limit=operator_secret,
            next_step=_AGAIN,
            code="policy_refused",
        )


def _following(held: Version, entry: Entry, genesis: Entry) -> Version:
    body = entry.body
    terms = _terms(body["terms"], entry.seq)
    version = Version(
        number=int(body["version"]),
        terms=terms,
        hash=terms_hash(body["terms"]),
        how=body["how"],
        names=_names(body["terms"]),
    )
    follows = (version.number, body["previous"], body["hash"]) == (held.number + 1, held.hash, version.hash)
    if not follows or not held.names <= version.names:
        raise _broken(entry, "does not follow from the one before", f"version {held.number + 1} of {held.hash}")
    if version.how == "signed":
        message = policy_message(
            held, terms, journal=genesis.hash, expires_s=int(body["expires_s"]), nonce=str(body["nonce"])
        )
        if signer_of(message, str(body["signature"])) != genesis.body["operator_secret"]:
            raise _broken(entry, "is not signed by the operator", genesis.body["operator_secret"])
        return version
    loosened = [change.name for change in loosenings(held.terms, terms) if change.name in held.names]
    if version.how != "tightened":
        raise _broken(entry, f"came in no known way ({version.how})", "tightened or signed")
    if loosened:
        raise _broken(entry, f"loosens {', '.join(loosened)} without the operator's signature", "tightened or signed")
    return version


def _broken(entry: Entry, what: str, limit: object) -> JournalError:
    return JournalError(
        f"a version of the policy {what}",
        measured=f"entry {entry.seq}",
        limit=limit,
        next_step="run ketch verify, then restore a backup",
    )


def _names(body: Body) -> frozenset[str]:
    return frozenset(f"{table}.{name}" for table, terms in body.items() for name in terms)


def _terms(body: Body, seq: int) -> Terms:
    try:
        return Terms.model_validate(body)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        raise JournalError(
            "a version of the policy cannot be read by this ketch",
            measured=f"entry {seq}, {'.'.join(map(str, first['loc']))}",
            next_step="use the version of ketch that wrote it",
        ) from fault
