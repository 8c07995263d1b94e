"""What a feed's word is worth: how early it was, what is missing from it, and when it is no longer heeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.chains.feeds.events import FeedMessageRefused, Flashblock, PendingLog, Sequenced
from engine.chains.feeds.feed import BLOCKS_REMEMBERED, FARTHEST_JUMP, FIRST_BLOCKS, JUDGED_BLOCKS, UNTRUE_ALLOWED, Feed
from engine.domain.events import BlockSeen
from engine.domain.pools import Log
from engine.domain.units import Address, BlockHash, BlockRef, ChainId

BASE, ARBITRUM = ChainId(8453), ChainId(42161)
SYNC, OTHER = b"\x01" * 32, b"\x02" * 32
MS = 1_000_000


def head(number: int) -> BlockRef:
    return BlockRef(chain=BASE, number=number, hash=BlockHash(f"0x{number:064x}"), timestamp_s=number)


def seen(number: int, logs: Sequence[Log] = (), received_ns: int = 0) -> BlockSeen:
    block = head(number)
    return BlockSeen(
        block=block, parent_hash=head(number - 1).hash, base_fee_wei=1, logs=tuple(logs), received_ns=received_ns
    )


def log(number: int, index: int = 0, topic: bytes = SYNC) -> Log:
    tx_hash = f"0x{number:060x}{index:04x}"
    address = Address("0x" + "ab" * 20)
    return Log(address=address, topics=(topic,), data=b"", block_number=number, tx_hash=tx_hash, log_index=index)


def part(index: int, number: int, logs: Sequence[Log] | None = (), payload: str | None = None) -> Flashblock:
    return Flashblock(
        payload_id=payload or f"0x{number:x}",
        index=index,
        block_number=number,
        parent_hash=head(number - 1).hash if index == 0 else None,
        transactions=(),
        logs=None if logs is None else tuple(logs),
    )


def flashblocks(*, hold_back: bool = True) -> Feed:
    feed = Feed("flashblocks", BASE, {SYNC}, hold_back=hold_back)
    feed.connected()
    return feed


def test_the_block_being_built_is_known_part_by_part() -> None:
    feed = flashblocks()
    feed.take(part(0, 8, [log(8)]), 0)
    feed.take(part(1, 8, [log(8, 1), log(8, 2, topic=OTHER)]), 0)
    assert feed.pending_logs(head(7)) == (log(8), log(8, 1))  # what no pool logs is left out
    assert feed.pending_logs(head(6)) == ()
    assert feed.pending_logs(head(8)) == ()
    other_branch = replace(head(7), hash=BlockHash("0x" + "ee" * 32))
    assert feed.pending_logs(other_branch) == ()


def test_a_missing_part_makes_the_block_unknown_and_the_next_one_is_known_again() -> None:
    feed = flashblocks()
    feed.take(part(0, 8, [log(8)]), 0)
    feed.take(part(2, 8, [log(8, 2)]), 0)
    assert feed.pending_logs(head(7)) == ()
    feed.take(part(1, 8, [log(8, 1)]), 0)  # out of order: too late to be put together
    assert feed.pending_logs(head(7)) == ()
    assert (feed.told.gaps, feed.told.repeats) == (1, 1)
    feed.take(part(0, 9, [log(9)]), 0)
    assert feed.pending_logs(head(8)) == (log(9),)


def test_a_block_that_was_joined_in_its_middle_is_unknown() -> None:
    feed = flashblocks()
    feed.take(part(3, 8, [log(8)]), 0)
    assert feed.pending_logs(head(7)) == ()
    assert feed.told.gaps == 3


def test_repeats_change_nothing_and_a_late_part_of_an_earlier_block_neither() -> None:
    feed = flashblocks()
    feed.take(part(0, 8, [log(8)]), 0)
    feed.take(part(0, 9, [log(9)]), 0)
    for again in (part(0, 9, [log(9, 5)]), part(1, 8, [log(8, 5)])):
        feed.take(again, 0)
    assert feed.pending_logs(head(8)) == (log(9),)
    assert (feed.told.repeats, feed.told.late) == (1, 1)


def test_a_refused_message_or_a_lost_connection_makes_everything_unknown() -> None:
    feed = flashblocks()
    feed.take(part(0, 8, [log(8)]), 0)
    feed.refused(FeedMessageRefused(measured="nonsense"))
    assert feed.pending_logs(head(7)) == ()
    feed.take(part(0, 9, [log(9)]), 0)
    feed.lost("gone")
    assert feed.pending_logs(head(8)) == ()
    assert (feed.shown()["connected"], feed.shown()["why"]) == (False, "gone")
    feed.connected()
    assert feed.pending_logs(head(8)) == ()  # what was told before may be torn


def test_a_feed_that_is_only_measured_holds_nothing_back() -> None:
    feed = flashblocks(hold_back=False)
    feed.take(part(0, 8, [log(8)]), 10 * MS)
    assert feed.pending_logs(head(7)) == ()
    feed.observe(seen(8, [log(8)], received_ns=1_810 * MS))
    assert list(feed.lead_ns) == [1_800 * MS]


def test_pending_logs_over_rpc_are_the_newest_blocks_own() -> None:
    feed = Feed("flashblocks_rpc", BASE, {SYNC}, hold_back=True)
    feed.connected()
    for one in (log(8), log(8), log(8, 1, topic=OTHER), log(7), log(8, 2)):
        feed.take(PendingLog(log=one), 0)
    assert feed.pending_logs(head(7)) == (log(8), log(8, 2))
    assert (feed.told.repeats, feed.told.late) == (1, 1)
    feed.take(PendingLog(log=log(9)), 0)
    assert feed.pending_logs(head(7)) == ()
    assert feed.pending_logs(head(8)) == (log(9),)


def test_a_flashblock_without_receipts_is_measured_and_holds_nothing_back() -> None:
    feed = flashblocks()
    feed.take(part(0, 8, None), 5 * MS)
    assert feed.pending_logs(head(7)) == ()
    feed.observe(seen(8, [log(8)], received_ns=205 * MS))
    assert list(feed.lead_ns) == [200 * MS]


def test_a_feed_that_comes_after_the_head_is_late_by_so_much() -> None:
    feed = flashblocks()
    feed.observe(seen(8, received_ns=100 * MS))
    feed.take(part(0, 8), 130 * MS)
    feed.take(part(1, 8), 140 * MS)
    assert list(feed.lead_ns) == [-30 * MS]


def test_who_tells_of_logs_that_do_not_come_is_no_longer_heeded_until_it_tells_the_truth() -> None:
    feed = flashblocks()
    number = 8

    def tell(*, true: bool) -> bool:
        nonlocal number
        feed.take(part(0, number, [log(number)]), 0)
        heeded = bool(feed.pending_logs(head(number - 1)))
        feed.observe(seen(number, [log(number)] if true else []))
        number += 1
        return heeded

    assert all(tell(true=False) for _ in range(UNTRUE_ALLOWED + 1))
    assert not tell(true=True)
    assert not feed.shown()["believed"]
    for _ in range(JUDGED_BLOCKS - 1):
        tell(true=True)
    assert tell(true=True)


def test_a_block_where_nothing_was_told_says_nothing_of_who_tells() -> None:
    feed = flashblocks()
    for number in range(8, 40):
        feed.take(part(0, number, []), 0)
        feed.observe(seen(number, [log(number)]))
    assert feed.believed
    assert feed.shown()["untrue_blocks"] == 0


def sequenced(number: int, block_hash: str | None = None) -> Sequenced:
    return Sequenced(sequence_number=number, kind=3, block_hash=block_hash, transactions=())


def test_a_sequencers_messages_are_counted_and_their_blocks_known_by_number_or_hash() -> None:
    feed = Feed("sequencer", ARBITRUM, {SYNC}, hold_back=True)
    feed.connected()
    first = FIRST_BLOCKS[ARBITRUM]
    for number in (10, 11, 11, 14, 12, 15):
        feed.take(sequenced(number), number * MS)
    assert (feed.told.gaps, feed.told.repeats, feed.next_sequence) == (2, 2, 16)
    feed.observe(seen(first + 14, received_ns=100 * MS))
    feed.take(sequenced(16, head(first + 16).hash), 20 * MS)
    feed.observe(seen(first + 16, received_ns=120 * MS))
    assert list(feed.lead_ns) == [86 * MS, 100 * MS]
    assert feed.pending_logs(head(first + 15)) == ()  # it carries no logs


def test_a_message_from_far_ahead_is_no_message_of_this_chain() -> None:
    feed = Feed("sequencer", ARBITRUM, {SYNC}, hold_back=True)
    feed.take(sequenced(10), 0)
    feed.take(sequenced(12 + FARTHEST_JUMP), 0)
    feed.take(sequenced(11), 0)
    assert (feed.told.refused, feed.told.gaps, feed.next_sequence) == (1, 0, 12)


@given(
    script=st.lists(
        st.one_of(
            st.builds(part, st.integers(0, 4), st.integers(7, 12), st.just([log(8)]) | st.none()),
            st.builds(lambda number, index: PendingLog(log=log(number, index)), st.integers(7, 12), st.integers(0, 3)),
            st.builds(seen, st.integers(7, 12)),
            st.sampled_from(["lost", "connected"]),
        ),
        max_size=60,
    )
)
def test_whatever_comes_in_whatever_order_only_whole_blocks_on_the_head_are_told(script: list[object]) -> None:
    feed = Feed("flashblocks", BASE, {SYNC}, hold_back=True)
    begun: set[int] = set()  # blocks of which the first part, or a log, has come since the connection stands
    up = False
    for one in script:
        if isinstance(one, Flashblock):
            feed.take(one, 0)
            begun |= {one.block_number} if one.index == 0 else set()
        elif isinstance(one, PendingLog):
            feed.take(one, 0)
            begun.add(one.log.block_number)
        elif isinstance(one, BlockSeen):
            feed.observe(one)
        elif one == "lost":
            feed.lost("gone")
            up, begun = False, set()
        else:
            feed.connected()
            up = True
        told = {number for number in range(6, 12) if feed.pending_logs(head(number))}
        assert not told or up
        assert {number + 1 for number in told} <= begun


def test_what_is_remembered_is_bounded() -> None:
    feed = flashblocks()
    for number in range(8, 8 + 2 * BLOCKS_REMEMBERED):
        feed.take(part(0, number, [log(number)]), 0)
    assert len(feed._first_seen) == BLOCKS_REMEMBERED
    for number in range(10_000, 10_000 + BLOCKS_REMEMBERED):
        feed.observe(seen(number))
    assert len(feed._heads) == BLOCKS_REMEMBERED
