"""The executor's calls as bytes, held against the compiled contract, and why a trade reverted in plain words."""

import ast
import re
from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from engine.chains.executor_calls import (
    EXECUTE_SIGNATURE,
    EXECUTED_TOPIC,
    LIST_PROFIT_TOKEN,
    OPERATOR,
    PROFIT_TOKENS,
    SET_OPERATOR,
    SWEEP,
    TREASURY,
    ExecuteCall,
    decode_execute,
    encode_execute,
    encode_list_profit_token,
    encode_set_operator,
    encode_sweep,
    profit_of,
)
from engine.chains.executor_reverts import (
    ERROR_SELECTOR,
    FOREIGN_REASONS,
    NO_REASON,
    PANIC_SELECTOR,
    REASONS,
    explain_revert,
    reason_of,
)
from engine.domain.errors import SigningRefused
from engine.domain.hops import EncodedHop, Flash, FlashKind, HopKind
from engine.domain.pools import Log
from engine.domain.units import Address
from engine.execution.artifact import CONTRACTS, ExecutorArtifact, executor_artifact

CODE_LIMIT = 24_576  # EIP-170
POOL, TOKEN, OTHER = (Address("0x" + digit * 40) for digit in "abc")
HOPS = (
    EncodedHop(kind=HopKind.CONSTANT_PRODUCT, pool=POOL, token_out=OTHER, zero_for_one=True, fee_ppm=3000),
    EncodedHop(kind=HopKind.BALANCER, pool=POOL, token_out=TOKEN, balancer_id=POOL + "02" + "00" * 10 + "07"),
)
CALL = ExecuteCall(
    flash=Flash(kind=FlashKind.MORPHO, lender=OTHER),
    token=TOKEN,
    amount=10**18,
    min_profit=1,
    deadline_s=1_800_000_000,
    anchor=bytes(range(32)),
    hops=HOPS,
)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> ExecutorArtifact:
    """Compile the contract into a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KETCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return executor_artifact()


def test_what_is_encoded_is_decoded() -> None:
    assert decode_execute(encode_execute(CALL)) == CALL


def test_two_hops_take_no_more_calldata_than_they_need() -> None:
    assert len(encode_execute(CALL)) == 4 + 32 * (7 + 1 + 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode_sweep(TOKEN, 1),
        encode_execute(CALL)[:-1],
        encode_execute(CALL) + b"\x00",
        encode_execute(CALL) + bytes(32),
        b"\x00" + encode_execute(CALL)[1:],
    ],
)
def test_anything_but_an_execute_to_the_byte_is_refused(data: bytes) -> None:
    with pytest.raises(SigningRefused):
        decode_execute(data)


@pytest.mark.parametrize("word", range(12))
def test_a_changed_byte_is_seen_or_refused(word: int) -> None:
    data = bytearray(encode_execute(CALL))
    data[4 + 32 * word + 1] ^= 1
    try:
        assert decode_execute(bytes(data)) != CALL
    except SigningRefused:
        return
    assert encode_execute(decode_execute(bytes(data))) == bytes(data)


@pytest.mark.parametrize("hops", [(), HOPS[:1], HOPS * 5])
def test_a_route_of_too_few_or_too_many_hops_is_not_encoded(hops: tuple[EncodedHop, ...]) -> None:
    with pytest.raises(ValueError, match="hops"):
        encode_execute(replace(CALL, hops=hops))


def test_an_anchor_is_thirty_two_bytes() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        encode_execute(replace(CALL, anchor=bytes(31)))


def test_the_calls_are_those_of_the_compiled_contract(artifact: ExecutorArtifact) -> None:
    functions = {signature(entry) for entry in artifact.abi if entry["type"] == "function"}
    ours = {EXECUTE_SIGNATURE, *(call.signature for call in (SWEEP, SET_OPERATOR, LIST_PROFIT_TOKEN))}
    getters = {call.signature for call in (OPERATOR, TREASURY, PROFIT_TOKENS)}
    assert ours | getters <= functions
    callbacks = {
        "receiveFlashLoan(address[],uint256[],uint256[],bytes)",
        "executeOperation(address,uint256,uint256,address,bytes)",
        "onMorphoFlashLoan(uint256,bytes)",
    }
    lenders = {"BALANCER_VAULT()", "AAVE_POOL()", "MORPHO()"}
    assert functions == ours | getters | callbacks | lenders
    assert [entry["type"] for entry in artifact.abi if entry.get("stateMutability") == "payable"] == []


def test_the_contract_is_small_enough_to_deploy(artifact: ExecutorArtifact) -> None:
    assert len(artifact.init_code) < CODE_LIMIT


def test_the_event_is_that_of_the_compiled_contract(artifact: ExecutorArtifact) -> None:
    topics = [keccak(text=signature(entry)) for entry in artifact.abi if entry["type"] == "event"]
    assert EXECUTED_TOPIC in topics


def signature(entry: dict[str, object]) -> str:
    """Spell an ABI entry's signature."""
    inputs: list[dict[str, object]] = entry["inputs"]  # type: ignore[assignment]
    return f"{entry['name']}({','.join(abi_type(each) for each in inputs)})"


def abi_type(entry: dict[str, object]) -> str:
    kind = str(entry["type"])
    if not kind.startswith("tuple"):
        return kind
    members: list[dict[str, object]] = entry["components"]  # type: ignore[assignment]
    return "(" + ",".join(abi_type(each) for each in members) + ")" + kind.removeprefix("tuple")


def test_role_calls_say_what_they_are() -> None:
    assert encode_set_operator(OTHER) == SET_OPERATOR.selector + encode(["address"], [OTHER])
    assert encode_list_profit_token(TOKEN, False)[-32:] == bytes(32)
    assert encode_sweep(TOKEN, 7)[-1] == 7


def test_profit_is_what_the_executor_itself_logged() -> None:
    profit = log(POOL, (EXECUTED_TOPIC, encode(["address"], [TOKEN])), encode(["uint256"], [42]))
    noise = log(OTHER, (EXECUTED_TOPIC, encode(["address"], [TOKEN])), encode(["uint256"], [10**30]))
    assert profit_of([noise, profit], POOL) == (TOKEN, 42)
    assert profit_of([noise], POOL) is None


def log(address: Address, topics: tuple[bytes, ...], data: bytes) -> Log:
    return Log(address=address, topics=topics, data=data, block_number=1, tx_hash="0x", log_index=0)


def test_every_reason_that_the_contract_gives_has_a_meaning_and_no_other() -> None:
    given = {
        str(ast.literal_eval(reason))
        for source in CONTRACTS.glob("*.vy")
        for reason in re.findall(r'^\s+assert .*, ("[^"]+")', source.read_text(encoding="utf-8"), re.M)
    }
    assert given == set(REASONS)


def test_every_assert_of_the_contract_gives_a_reason() -> None:
    for source in CONTRACTS.glob("*.vy"):
        for line in re.findall(r"^\s+assert .*$", source.read_text(encoding="utf-8"), re.M):
            assert re.search(r', "[a-z ]{3,32}"(  #.*)?$', line), line


@pytest.mark.parametrize(
    ("data", "reason", "explained"),
    [
        (ERROR_SELECTOR + encode(["string"], ["late"]), "late", f"late: {REASONS['late']}"),
        (ERROR_SELECTOR + encode(["string"], ["BAL#400"]), "BAL#400", f"BAL#400: {FOREIGN_REASONS['BAL#400']}"),
        (ERROR_SELECTOR + encode(["string"], ["odd"]), "odd", "a pool or token reverted: odd"),
        (PANIC_SELECTOR + encode(["uint256"], [17]), "panic 0x11", "a pool or token reverted: panic 0x11"),
        (ERROR_SELECTOR + b"\x01", "0x08c379a001", "a pool or token reverted: 0x08c379a001"),
        (b"\xde\xad\xbe\xef", "0xdeadbeef", "a pool or token reverted: 0xdeadbeef"),
        (b"", "", NO_REASON),
    ],
)
def test_a_revert_is_explained(data: bytes, reason: str, explained: str) -> None:
    assert reason_of(data) == reason
    assert explain_revert(data) == explained
