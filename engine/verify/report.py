"""What the checker says: what it counted, and every place where two accounts of the same thing differ."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `seq` is the journal's row, None for what is about no single row.

    A note is accounted for and nobody's fault: it does not make a report bad.
    """

    seq: int | None
    what: str
    measured: str = ""
    expected: str = ""
    level: Literal["fault", "note"] = "fault"


@dataclass(slots=True, kw_only=True)
class Report:
    """The checker's answer. It is good only when no fault was found, and a chain that was not asked is a fault.

    `paper`: the journal is of trades that were never sent; then `realised` and `gas_paid_wei` are what it says itself.
    `anchored` is the last row that no rewriting can have changed: a mined trade's calldata holds its hash.

    `realised`, `onchain_delta` are raw units by token, `gas_paid_wei` all gas of all receipts: the chain's figures,
    not the journal's.
    """

    checked: Counter[str] = field(default_factory=lambda: Counter[str]())
    findings: list[Finding] = field(default_factory=lambda: list[Finding]())
    realised: Counter[str] = field(default_factory=lambda: Counter[str]())
    onchain_delta: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    gas_paid_wei: int = 0
    anchored: int = 0
    paper: bool = False

    @property
    def ok(self) -> bool:
        return all(finding.level != "fault" for finding in self.findings)

    def found(self, seq: int | None, what: str, measured: object = "", expected: object = "") -> None:
        """Add a difference."""
        self.findings.append(Finding(seq, what, str(measured), str(expected)))

    def noted(self, what: str, measured: object = "", expected: object = "") -> None:
        """Add what strangers did that the books can do without."""
        self.findings.append(Finding(None, what, str(measured), str(expected), "note"))

    def add(self, other: "Report") -> None:
        """Take in what another part of the check counted and found."""
        self.checked.update(other.checked)
        self.findings += other.findings
        self.realised.update(other.realised)
        self.onchain_delta |= other.onchain_delta
        self.gas_paid_wei += other.gas_paid_wei
        self.anchored = max(self.anchored, other.anchored)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON's types; amounts are decimal strings."""
        return {
            "ok": self.ok,
            "paper": self.paper,
            "checked": dict(sorted(self.checked.items())),
            "findings": [
                {"seq": f.seq, "what": f.what, "measured": f.measured, "expected": f.expected, "level": f.level}
                for f in self.findings
            ],
            "realised": {token: str(raw) for token, raw in sorted(self.realised.items())},
            "onchain_delta": {token: str(raw) for token, raw in sorted(self.onchain_delta.items())},
            "gas_paid_wei": str(self.gas_paid_wei),
            "anchored": self.anchored,
        }
