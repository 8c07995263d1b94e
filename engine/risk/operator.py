"""The operator's secret: a key that only a passphrase opens, whose signature alone makes a halted engine trade again.

What is signed is plain text with all that it means, so that it is good for one engine, one policy, one time.
"""

import json
import os
import re
from collections.abc import Collection
from pathlib import Path

from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from engine.domain.commands import Resume
from engine.domain.errors import ControlError
from engine.domain.units import Address, BlockRef
from engine.journal.journal import Journal
from engine.journal.records import record_command, record_state
from engine.risk.halt import lift_halt

KEYSTORE_FILE = "operator.json"


def create_operator(state: Path, passphrase: str, *, key: str | None = None, iterations: int | None = None) -> Address:
    """Make the operator's secret in the state folder and return its address, its public half.

    `key` is a local chain's throw-away one, None for a new one; `iterations` is scrypt's cost, None for the strong
    default. Raises `ControlError` when there is a secret already.
    """
    file = state / KEYSTORE_FILE
    if not passphrase:
        raise ControlError("an operator's secret needs a passphrase", next_step="choose one and write it down")
    account: LocalAccount = Account.create() if key is None else Account.from_key(key)
    keystore = Account.encrypt(bytes(account.key), passphrase, kdf="scrypt", iterations=iterations)
    draft = file.with_suffix(".new")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii") as out:
            json.dump(keystore, out)
            out.flush()
            os.fsync(out.fileno())
        file.hardlink_to(draft)  # fails when one is there: a secret is never overwritten
        draft.unlink()
    except FileExistsError as fault:
        draft.unlink()
        raise ControlError(
            f"there is an operator's secret at {file} already", next_step="keep it: approvals are checked against it"
        ) from fault
    except OSError as fault:
        raise ControlError(
            f"the operator's secret cannot be written to {file}",
            measured=fault.strerror,
            next_step="check that the folder exists and is yours to write",
        ) from fault
    return Address(account.address.lower())


def check_secret(state: Path, passphrase: str) -> None:
    """Raise `ControlError` unless the passphrase opens the operator's secret that is there."""
    _unlocked(state, passphrase)


def operator_address(state: Path) -> Address:
    """Read the address of the operator's secret, which is in the clear."""
    return Address("0x" + str(_keystore(state)["address"]).removeprefix("0x").lower())


def resume_message(*, journal: str, policy_hash: str, expires_s: int, nonce: str) -> SignableMessage:
    """Write out what a resume means, as the text that is signed (EIP-191). `journal` is the genesis entry's hash."""
    lines = (
        "Ketch: resume trading",
        f"journal {journal}",
        f"policy {policy_hash}",
        f"expires {expires_s}",
        f"nonce {nonce}",
    )
    return encode_defunct(text="\n".join(lines))


def sign_resume(
    state: Path, passphrase: str, *, principal: str, journal: str, policy_hash: str, expires_s: int, nonce: str
) -> Resume:
    """Sign a resume with the operator's secret; raises `ControlError` for a wrong passphrase or no keystore."""
    message = resume_message(journal=journal, policy_hash=policy_hash, expires_s=expires_s, nonce=nonce)
    return Resume(
        principal=principal,
        policy_hash=policy_hash,
        expires_s=expires_s,
        nonce=nonce,
        signature=sign(state, passphrase, message),
    )


def sign(state: Path, passphrase: str, message: SignableMessage) -> str:
    """Sign with the operator's secret, 0x hex; raises `ControlError` for a wrong passphrase or no keystore."""
    return "0x" + bytes(Account.sign_message(message, _unlocked(state, passphrase)).signature).hex()


def verify_resume(
    resume: Resume,
    *,
    operator_secret: Address,
    journal: str,
    policy_hash: str,
    now_s: int,
    used_nonces: Collection[str],
) -> None:
    """Check that the operator resumes this engine, this policy, now, and for the first time.

    `operator_secret` and `journal` are the genesis entry's. Raises `ControlError` naming the first thing wrong.
    """
    again = "sign again with ketch resume"
    if resume.policy_hash != policy_hash:
        raise ControlError(
            "the resume is for another policy", measured=resume.policy_hash, limit=policy_hash, next_step=again
        )
    if resume.expires_s <= now_s:
        raise ControlError(
            "the resume has expired", measured=f"now {now_s}", limit=f"before {resume.expires_s}", next_step=again
        )
    if resume.nonce in used_nonces:
        raise ControlError("the resume was used before", measured=f"nonce {resume.nonce}", next_step=again)
    message = resume_message(
        journal=journal, policy_hash=resume.policy_hash, expires_s=resume.expires_s, nonce=resume.nonce
    )
    signer = signer_of(message, resume.signature)
    if signer != operator_secret:
        raise ControlError(
            "the resume is not signed by the operator",
            measured=signer or "no signature",
            limit=operator_secret,
            next_step=again,
        )


def used_nonces(journal: Journal) -> frozenset[str]:
    """List the nonces of everything that the operator signed and the journal holds: none is taken again."""
    signed = ("Resume", "Approve", "ApplyPolicy")
    return frozenset(entry.body["nonce"] for entry in journal.entries("command") if entry.body["type"] in signed)


def take_resume(
    resume: Resume, *, journal: Journal, state: Path, policy_hash: str, now_s: int, block: BlockRef
) -> None:
    """Trade again if the operator says so: verify, write down, and only then take the halt file away.

    Raises `ControlError` and changes nothing when `verify_resume` does. A crash half-way leaves the engine halted.
    """
    genesis = next(journal.entries(limit=1))
    verify_resume(
        resume,
        operator_secret=Address(genesis.body["operator_secret"]),
        journal=genesis.hash,
        policy_hash=policy_hash,
        now_s=now_s,
        used_nonces=used_nonces(journal),
    )
    with journal.transaction():
        record_command(journal, resume)
        record_state(journal, "ACTIVE", principal=resume.principal, reason="the operator resumed", block=block)
    lift_halt(state)


def signer_of(message: SignableMessage, signature: str) -> Address | None:
    """Recover who signed, None for what is no signature."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{130}", signature):  # r, s, v
        return None
    try:
        return Address(str(Account.recover_message(message, signature=signature)).lower())
    except (ValueError, BadSignature, ValidationError):  # no point on the curve
        return None


def _unlocked(state: Path, passphrase: str) -> bytes:
    keystore = _keystore(state)
    try:
        return bytes(Account.decrypt(keystore, passphrase))
    except ValueError as fault:
        raise ControlError("the passphrase does not open the operator's secret", next_step="try again") from fault


def _keystore(state: Path) -> dict[str, object]:
    file = state / KEYSTORE_FILE
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError as fault:
        raise ControlError(f"there is no operator's secret at {file}", next_step="run ketch init") from fault
    except (OSError, ValueError) as fault:
        raise ControlError(
            f"the operator's secret at {file} cannot be read", measured=fault, next_step="restore it from your backup"
        ) from fault
