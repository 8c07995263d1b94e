"""What a bid that was not enough lacked: what was needed, which of our limits forbade that, what would allow it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.domain.decision import BidLimit

NEARER = "a nearer or faster endpoint"
UNKNOWN = "raise risk.bid_share_ppm, or the cap that was nearer"
"""For a trade that was decided before the block before: what its bid was held to is not remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidding:
    """A limit that forbade the bid that was needed: the setting, its value, and the nearest value that allows it."""

    setting: str
    value: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """How a bid fell short, wei per gas: `needed_wei` to be before the other, None where places are not sold.

    `forbidden_by` is every limit of ours in the way, the tightest first. It is empty where the bid was high enough
    and came too late, and where `affordable` is False: the place cost more than there was to earn.
    """

    needed_wei: int | None
    affordable: bool
    forbidden_by: tuple[Forbidding, ...]


def short_of(bid_wei: int, limits: Sequence[BidLimit], paid_wei: int | None) -> Short | None:
    """Say what our bid lacked beside what the other paid to the producer per gas; None when that is not known.

    Without limits nothing was bid for: the chain sells no places.
    """
    if not limits:
        return Short(needed_wei=None, affordable=True, forbidden_by=())
    if paid_wei is None:
        return None
    needed_wei = paid_wei + 1
    found = [
        Forbidding(setting=limit.setting, value=limit.value, needed=limit.for_bid(needed_wei))
        for limit in sorted(limits, key=lambda limit: limit.most_wei)
        if limit.most_wei < needed_wei
    ]
    affordable = all(one.needed > 0 for one in found)  # no least profit is left: the place costs more than it brings
    held = needed_wei > bid_wei and affordable
    return Short(needed_wei=needed_wei, affordable=affordable, forbidden_by=tuple(found) if held else ())


def held_to(short: Short | None) -> str:
    """Say in a miss what held the bid: the tightest limit with its value."""
    if short is None or short.needed_wei is None:
        return ""
    if not short.affordable:
        return "; more would have cost more than there was to earn"
    if not short.forbidden_by:
        return "; by gas it was high enough: it came too late, or the producer was paid beside gas"
    tightest = short.forbidden_by[0]
    return f"; {tightest.setting} = {tightest.value} allowed no more"


def would_help(shorts: Iterable[Short | None]) -> str:
    """Say what would have to change for all that was outbid to be ours: each setting with its value and the needed."""
    known = list(shorts)
    by_setting: dict[str, list[Forbidding]] = {}
    for short in known:
        for one in short.forbidden_by if short else ():
            by_setting.setdefault(one.setting, []).append(one)
    said = [
        f"{_step(setting, found)} ({len(found)} of {len(known)})"
        for setting, found in sorted(by_setting.items(), key=lambda row: (-len(row[1]), row[0]))
    ]
    late = sum(s is not None and s.affordable and not s.forbidden_by for s in known)
    dear = sum(s is not None and not s.affordable for s in known)
    said += [f"{NEARER} ({late} of {len(known)})"] if late else []
    said += [f"nothing: the place cost more than there was to earn ({dear} of {len(known)})"] if dear else []
    said += [f"{UNKNOWN} ({known.count(None)} of {len(known)})"] if None in known else []
    return "; ".join(said)


def _step(setting: str, found: Sequence[Forbidding]) -> str:
    """Name the change that allows the highest of the bids: from the newest value to the farthest that is needed."""
    value = found[-1].value
    if all(one.needed < one.value for one in found):
        return f"lower {setting} from {value} to {min(one.needed for one in found)}"
    return f"raise {setting} from {value} to {max(one.needed for one in found)}"
