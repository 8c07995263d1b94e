"""The one place that holds the policy in force. Whoever needs a limit asks here at that moment and keeps none."""

import secrets
from collections.abc import Callable

from engine.domain.commands import ApplyPolicy, ReloadPolicy
from engine.domain.units import Address, BlockRef
from engine.journal.canonical import Body
from engine.journal.journal import Journal
from engine.journal.records import record_command
from engine.risk.loosening import Change, changes, loosenings, said, tightened
from engine.risk.operator import used_nonces
from engine.risk.policy import Policy
from engine.risk.terms import AgentSwitches, Terms
from engine.risk.versions import Version, verify_policy, version_in_force, write_version

CHALLENGE_VALID_S = 300
NEXT_STEP = "the operator's signature loosens: ketch policy apply"


class PolicyInForce:
    """The newest version in the journal, and what the settings wanted when they were last read.

    What the settings tighten is taken and written down at once; what they would loosen waits for the signature.
    """

    def __init__(self, journal: Journal, wanted: Terms, read: Callable[[], Terms], *, block: BlockRef) -> None:
        """Take up the journal's policy, tightened by what is wanted; `read` reads the settings again.

        Raises `JournalError` when the journal's versions do not follow from each other.
        """
        self._journal = journal
        self.read = read
        self.wanted = wanted
        held = version_in_force(journal)
        self.version: Version = self._tightened(held, wanted, principal="engine", block=block)
        self.at_start: tuple[Change, ...] = changes(held.terms, self.version.terms)

    @property
    def policy(self) -> Policy:
        return self.version.terms.risk

    @property
    def agents(self) -> AgentSwitches:
        return self.version.terms.agents

    @property
    def waiting(self) -> tuple[Change, ...]:
        """What the settings would loosen."""
        return loosenings(self.version.terms, self.wanted)

    def standing(self) -> Body:
        """Say which version is in force, and what waits for the operator."""
        return {
            "version": self.version.number,
            "how": self.version.how,
            "hash": self.version.hash,
            "waiting": [in_words(change) for change in self.waiting],
            "next_step": NEXT_STEP if self.waiting else "",
        }

    def reload(self, command: ReloadPolicy, block: BlockRef) -> Body:
        """Read the settings again and take what tightens; raises `ConfigError` and changes nothing for a wrong one."""
        wanted, held = self.read(), self.version
        with self._journal.transaction():
            record_command(self._journal, command)
            version = self._tightened(held, wanted, principal=command.principal, block=block)
        self.wanted, self.version = wanted, version
        return {"taken": [in_words(change) for change in changes(held.terms, version.terms)], **self.standing()}

    def challenge(self, now_s: int) -> Body:
        """Say what the operator would sign to put what is wanted in force: from which version, until when, once."""
        return {
            "version": self.version.number,
            "previous": self.version.hash,
            "wanted": self.wanted.body(),
            "journal": next(self._journal.entries(limit=1)).hash,
            "expires_s": now_s + CHALLENGE_VALID_S,
            "nonce": secrets.token_hex(16),
        }

    def apply(self, command: ApplyPolicy, block: BlockRef) -> Body:
        """Put what is wanted in force if the operator signed exactly that, else raise `ControlError`."""
        genesis = next(self._journal.entries(limit=1))
        verify_policy(
            command,
            self.version,
            self.wanted,
            operator_secret=Address(genesis.body["operator_secret"]),
            journal=genesis.hash,
            now_s=block.timestamp_s,
            used_nonces=used_nonces(self._journal),
        )
        made = changes(self.version.terms, self.wanted)
        with self._journal.transaction():
            record_command(self._journal, command)
            version = write_version(
                self._journal,
                self.version,
                self.wanted,
                principal=command.principal,
                block=block,
                consent=command,
            )
        self.version = version
        return {"taken": [in_words(change) for change in made], **self.standing()}

    def _tightened(self, held: Version, wanted: Terms, *, principal: str, block: BlockRef) -> Version:
        terms = tightened(held.terms, wanted)
        if terms == held.terms and held.whole:
            return held
        return write_version(self._journal, held, terms, principal=principal, block=block)


def in_words(change: Change) -> str:
    """Say one change for people."""
    return f"{change.name}: {said(change.old)} -> {said(change.new)}{' (loosens)' if change.loosens else ''}"
