"""Every error the engine raises on purpose.

KetchError
├── UnitMismatch        two tokens in one sum
├── QuoteError          an amount the pool cannot swap
├── ConfigError         a setting or file that cannot be used
├── ChainError          an endpoint that is unreachable, wrong or failing
├── JournalError        a journal that is corrupt, locked or cannot be written
│   └── FolderOwned     another process owns the folder
├── DevnetError         the local chain cannot start or stopped
├── SigningRefused      what was about to be signed is not what was approved
│   └── SignerAway      the signer's process gives no answer: nothing was signed, and it is tried again
└── ControlError        a command that the daemon cannot take
"""


class KetchError(Exception):
    """An expected failure: one line for people, what was measured, the limit, and what to do next."""

    def __init__(self, what: str = "", *, measured: object = None, limit: object = None, next_step: str = "") -> None:
        self.what = what or (type(self).__doc__ or "").strip()
        self.measured = measured
        self.limit = limit
        self.next_step = next_step
        super().__init__(self.line())

    def cause(self) -> str:
        """Return what happened as one line, without what to do."""
        return KetchError(self.what, measured=self.measured, limit=self.limit).line()

    def line(self) -> str:
        """Return the error as one line."""
        parts = [self.what]
        if self.measured is not None:
            parts.append(f"measured {self.measured}")
        if self.limit is not None:
            parts.append(f"limit {self.limit}")
        line = ", ".join(parts)
        return f"{line}: {self.next_step}" if self.next_step else line


class UnitMismatch(KetchError):
    """amounts of two different tokens cannot be combined"""


class QuoteError(KetchError):
    """the pool cannot swap this amount (the deployed contract reverts too)"""


class ConfigError(KetchError):
    """the configuration cannot be used"""


class ChainError(KetchError):
    """the chain's endpoint cannot be used"""


class JournalError(KetchError):
    """the journal cannot be used"""


class FolderOwned(JournalError):
    """another process owns the folder"""


class CassetteError(KetchError):
    """the recording cannot be used"""


class DevnetError(KetchError):
    """the local chain cannot be used"""


class SigningRefused(KetchError):
    """the transaction is not the one that was approved"""


class SignerAway(SigningRefused):
    """the signer's process does not answer"""


class ControlError(KetchError):
    """the daemon cannot take this command"""

    def __init__(
        self,
        what: str = "",
        *,
        measured: object = None,
        limit: object = None,
        next_step: str = "",
        code: str = "",
        example: object = None,
    ) -> None:
        """`code` names the kind of mistake for programs, `example` is a call that would have been right."""
        super().__init__(what, measured=measured, limit=limit, next_step=next_step)
        self.code = code or type(self).__name__
        self.example = example
