"""How hops and capital are packed: the layout to the bit, and nothing that the contract would read otherwise."""

import re
from dataclasses import replace

import pytest

from engine.domain.hops import (
    LENDER_NEEDED,
    MAX_HOPS,
    PPM,
    EncodedHop,
    Flash,
    FlashKind,
    HopKind,
    pack_flash,
    pack_hop,
    packable,
    unpack_flash,
    unpack_hop,
)
from engine.domain.units import ZERO_ADDRESS, Address
from engine.execution.artifact import CONTRACTS

POOL = Address("0x" + "a1" * 20)
TOKEN = Address("0x" + "b2" * 20)
LENDER = Address("0x" + "c3" * 20)
TAIL = "000200000000000000000007"

PAIR = EncodedHop(kind=HopKind.CONSTANT_PRODUCT, pool=POOL, token_out=TOKEN, zero_for_one=True, fee_ppm=3000)
POOL_V3 = EncodedHop(kind=HopKind.CONCENTRATED, pool=POOL, token_out=TOKEN)
VAULT = EncodedHop(kind=HopKind.BALANCER, pool=POOL, token_out=TOKEN, balancer_id=POOL + TAIL)


def test_a_pair_is_packed_as_the_contract_reads_it() -> None:
    a, b = pack_hop(PAIR)
    assert f"{a:064x}" == "01" + "00" * 4 + "01" + "00" * 3 + "000bb8"[0:6] + "a1" * 20
    assert f"{b:064x}" == "00" * 12 + "b2" * 20


def test_a_balancer_hop_carries_the_tail_of_its_pool_id_beside_the_token() -> None:
    a, b = pack_hop(VAULT)
    assert f"{a:064x}" == "03" + "00" * 11 + "a1" * 20
    assert f"{b:064x}" == TAIL + "b2" * 20


def test_capital_is_packed_as_the_contract_reads_it() -> None:
    assert f"{pack_flash(Flash(kind=FlashKind.AAVE, lender=LENDER)):064x}" == "02" + "00" * 11 + "c3" * 20
    assert pack_flash(Flash(kind=FlashKind.OWN)) == 0


def test_a_minimum_is_packed_as_its_leading_bits_and_how_far_to_shift_them() -> None:
    a, _ = pack_hop(replace(VAULT, least_out=0xABCDEF << 40))
    assert f"{a:064x}" == "03" + "abcdef" + f"{40:02x}" + "00" * 7 + "a1" * 20
    a, _ = pack_hop(replace(VAULT, least_out=5))
    assert f"{a:064x}" == "03" + "000005" + "00" + "00" * 7 + "a1" * 20


LEAST = [replace(PAIR, least_out=1), replace(POOL_V3, least_out=0xABCDEF << 40), replace(VAULT, least_out=2**24 - 1)]


@pytest.mark.parametrize("hop", [PAIR, POOL_V3, VAULT, *LEAST, replace(PAIR, least_out=packable(2**256 - 1))])
def test_a_hop_is_read_back_as_it_was(hop: EncodedHop) -> None:
    assert unpack_hop(pack_hop(hop)) == hop


@pytest.mark.parametrize("kind", FlashKind)
def test_capital_is_read_back_as_it_was(kind: FlashKind) -> None:
    flash = Flash(kind=kind, lender=LENDER if kind in LENDER_NEEDED else ZERO_ADDRESS)
    assert unpack_flash(pack_flash(flash)) == flash


@pytest.mark.parametrize(
    "hop",
    [
        EncodedHop(kind=HopKind.CONCENTRATED, pool=POOL, token_out=TOKEN, fee_ppm=500),
        EncodedHop(kind=HopKind.CONSTANT_PRODUCT, pool=POOL, token_out=TOKEN, fee_ppm=PPM),
        EncodedHop(kind=HopKind.CONSTANT_PRODUCT, pool=POOL, token_out=TOKEN, fee_ppm=-1),
        EncodedHop(kind=HopKind.CONSTANT_PRODUCT, pool=POOL, token_out=TOKEN, balancer_id=POOL + TAIL),
        EncodedHop(kind=HopKind.BALANCER, pool=POOL, token_out=TOKEN, balancer_id=POOL + TAIL, zero_for_one=True),
        EncodedHop(kind=HopKind.BALANCER, pool=TOKEN, token_out=TOKEN, balancer_id=POOL + TAIL),
        EncodedHop(kind=HopKind.BALANCER, pool=POOL, token_out=TOKEN),
        EncodedHop(kind=HopKind.CONCENTRATED, pool=Address("0xa1"), token_out=TOKEN),
        EncodedHop(kind=HopKind.CONCENTRATED, pool=POOL, token_out=Address("b2" * 21)),
        EncodedHop(kind=HopKind.CONCENTRATED, pool=POOL, token_out=TOKEN, least_out=2**24 + 1),
        EncodedHop(kind=HopKind.CONCENTRATED, pool=POOL, token_out=TOKEN, least_out=2**256),
        EncodedHop(kind=HopKind.CONCENTRATED, pool=POOL, token_out=TOKEN, least_out=-1),
    ],
)
def test_a_hop_that_makes_no_sense_is_not_packed(hop: EncodedHop) -> None:
    with pytest.raises(ValueError, match=r"."):
        pack_hop(hop)


@pytest.mark.parametrize("bit", [184, 200, 207, 209, 215, 216, 223, 250])
def test_a_bit_that_means_nothing_is_refused(bit: int) -> None:
    a, b = pack_hop(PAIR)
    with pytest.raises(ValueError, match=r"."):
        unpack_hop((a ^ 1 << bit, b))


def test_a_tail_beside_the_token_of_a_pair_is_refused() -> None:
    a, b = pack_hop(PAIR)
    with pytest.raises(ValueError, match="mean nothing"):
        unpack_hop((a, b | 1 << 160))


@pytest.mark.parametrize("kind", FlashKind)
def test_a_lender_is_named_where_there_is_one_and_nowhere_else(kind: FlashKind) -> None:
    with pytest.raises(ValueError, match="with lender"):
        pack_flash(Flash(kind=kind, lender=ZERO_ADDRESS if kind in LENDER_NEEDED else LENDER))


def test_the_contract_counts_kinds_as_the_table_does() -> None:
    hops = constants("hops.vy")
    assert {name: hops[name] for name in ("V2", "V3", "BALANCER")} == {"V2": 1, "V3": 2, "BALANCER": 3}
    assert [kind.value for kind in HopKind] == [1, 2, 3]
    assert (hops["MAX"], hops["PPM"]) == (MAX_HOPS, PPM)
    capital = constants("capital.vy")
    named = {"OWN": FlashKind.OWN, **{f"FROM_{kind.name}": kind for kind in FlashKind if kind is not FlashKind.OWN}}
    assert {name: capital[name] for name in named} == named


def constants(file: str) -> dict[str, int]:
    """Read the integer constants of a Vyper module."""
    source = (CONTRACTS / file).read_text(encoding="utf-8")
    return {name: int(value) for name, value in re.findall(r"^(\w+): constant\(uint256\) = ([\d_]+)$", source, re.M)}
