# pragma version 0.4.3
"""
@title Stand-in for Timeboost's ExpressLaneAuction
@notice Its timing and its last two settled rounds, as a test set them; bids, deposits and transfers are left out.
"""

struct Round:
    controller: address
    number: uint64

offset: int64
duration: uint64
last: Round
before: Round


@external
def set_timing(offset: int64, duration: uint64):
    self.offset = offset
    self.duration = duration


@external
def settle(controller: address, number: uint64):
    self.before = self.last
    self.last = Round(controller=controller, number=number)


@external
@view
def roundTimingInfo() -> (int64, uint64, uint64, uint64):
    return self.offset, self.duration, 15, 15


@external
@view
def resolvedRounds() -> (Round, Round):
    return self.last, self.before
