"""The greatest value of a function of one integer that rises, then falls, but for rounding."""

from collections.abc import Callable
from typing import Final

UNDEFINED: Final = -(1 << 300)
"""What a function returns where it has no value: less than any amount of a token."""

_GOLDEN: Final = 0.3819660112501051  # 2 minus the golden ratio
_NARROW: Final = 1 << 26  # how narrow a bracket becomes against its place: the value is flat there to 2^-52 of itself
_ENOUGH_BITS: Final = 44  # what a bracket could still hide, against the value found, where the search may stop
_APART: Final = 32  # a trial nearer to the best than this part of the bracket says more of rounding than of the curve
_BESIDE: Final = 256  # an edge within this part of the best may hide it: rounding can outweigh so short a rise
_NEAR_BITS: Final = 40  # the first stride away from where an edge should be
_MAX_DOUBLINGS: Final = 256
_MAX_STEPS: Final = 96


def maximise(function: Callable[[int], int], start: int) -> int:
    """Return the argument of the greatest value found: bracket it by doubling from `start`, then narrow the bracket.

    A step is the vertex of the parabola through the bracket; every third one, and where the parabola is of no use,
    is a golden section, which always narrows (after Brent, Algorithms for Minimization, chapter 5).
    """
    known: dict[int, int] = {}

    def value(at: int) -> int:
        found = known.get(at)
        if found is None:
            found = known[at] = function(at)
        return found

    low, best, high = _bracket(value, max(start, 1))
    for step in range(_MAX_STEPS):
        if high - low <= 2 * max(1, best // _NARROW) or _hidden(value, low, best, high) <= value(best) >> _ENOUGH_BITS:
            break
        trial = _vertex(value, low, best, high) if step % 3 else _section(low, best, high)
        apart = max(1, (high - low) // _APART)
        if abs(trial - best) < apart:
            trial = best - apart if best - low > high - best else best + apart
        if not low < trial < high:
            trial = _section(low, best, high)
        if value(trial) > value(best):
            low, best, high = (low, trial, best) if trial < best else (best, trial, high)
        elif trial < best:
            low = trial
        else:
            high = trial
    refused = min((at for at, found in known.items() if found == UNDEFINED and at > best), default=2 * best)
    return max(best, _edge(value, best, refused), key=value) if refused - best < best // _BESIDE else best


def _bracket(value: Callable[[int], int], start: int) -> tuple[int, int, int]:
    best = start
    for _ in range(_MAX_DOUBLINGS):
        if value(2 * best) <= value(best):
            break
        best *= 2
    if best == start:
        for _ in range(_MAX_DOUBLINGS):
            if best == 1 or UNDEFINED < value(best) >= value(best // 2):
                break
            best //= 2
    return best // 2, best, 2 * best


def _section(low: int, best: int, high: int) -> int:
    if best - low > high - best:
        return best - max(1, int((best - low) * _GOLDEN))
    return best + max(1, int((high - best) * _GOLDEN))


def _vertex(value: Callable[[int], int], low: int, best: int, high: int) -> int:
    left, right = float(best - low), float(high - best)
    fall_left, fall_right = float(value(best) - value(low)), float(value(best) - value(high))
    curve = fall_left * right + fall_right * left
    return best + int((fall_left * right * right - fall_right * left * left) / (2 * curve)) if curve > 0 else best


def _hidden(value: Callable[[int], int], low: int, best: int, high: int) -> int:
    """Bound what a concave function may still rise inside the bracket: no further than its chords reach on."""
    left, right = best - low, high - best
    fall_left, fall_right = value(best) - value(low), value(best) - value(high)
    return max(fall_left * right // max(1, left), fall_right * left // max(1, right))


def last_defined(function: Callable[[int], int], near: int) -> int:
    """Return the last argument that has a value, looked for in strides that double away from `near`; 0 if none has."""
    inside = outside = near
    stride = max(1, near >> _NEAR_BITS)
    while inside > 0 and function(inside) == UNDEFINED:
        inside, outside, stride = max(0, inside - stride), inside, 2 * stride
    while function(outside) != UNDEFINED:
        inside, outside, stride = outside, outside + stride, 2 * stride
    return _edge(function, inside, outside)


def _edge(value: Callable[[int], int], inside: int, outside: int) -> int:
    """Return the last argument with a value, between one that has a value and one that has none."""
    while outside - inside > 1:
        middle = (inside + outside) // 2
        if value(middle) == UNDEFINED:
            outside = middle
        else:
            inside = middle
    return inside
