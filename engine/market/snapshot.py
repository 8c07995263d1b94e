"""A market at one block as a file: saved, loaded and compared."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from engine.domain.errors import ConfigError
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, StablePool, WeightedPool
from engine.domain.units import BlockHash, BlockRef, ChainId, PoolId

_FAMILIES = {
    "constant_product": ConstantProductPool,
    "concentrated": ConcentratedPool,
    "weighted": WeightedPool,
    "stable": StablePool,
}
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every pool as of `block`."""

    block: BlockRef
    pools: Mapping[PoolId, AnyPool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one pool that two readings disagree about."""

    pool: PoolId
    field: str
    ours: str
    theirs: str


def save(snapshot: Snapshot, path: Path) -> None:
    """Write the snapshot. Integers are decimal strings: JSON readers lose precision past 2^53."""
    body = {
        "format": _FORMAT,
        "block": asdict(snapshot.block),
        "pools": [_encode(pool) for pool in snapshot.pools.values()],
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(body))
    partial.replace(path)


def load(path: Path) -> Snapshot:
    """Read a snapshot back; raises `ConfigError` for a file that is none."""
    try:
        body = json.loads(path.read_text())
        block = body["block"]
        pools = [_decode(pool) for pool in body["pools"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no market snapshot ({error})") from error
    return Snapshot(
        block=BlockRef(
            chain=ChainId(block["chain"]),
            number=block["number"],
            hash=BlockHash(block["hash"]),
            timestamp_s=block["timestamp_s"],
        ),
        pools={pool.id: pool for pool in pools},
    )


def compare(ours: Mapping[PoolId, AnyPool], theirs: Mapping[PoolId, AnyPool]) -> list[Difference]:
    """List every field in which two readings of the same pools differ, and every pool that only one has."""
    differences: list[Difference] = []
    for pool_id in sorted({*ours, *theirs}):
        a, b = ours.get(pool_id), theirs.get(pool_id)
        if a is None or b is None:
            differences.append(Difference(pool_id, "pool", _presence(a), _presence(b)))
            continue
        for field in fields(a):
            x, y = getattr(a, field.name), getattr(b, field.name, None)
            if x != y:
                differences.append(Difference(pool_id, field.name, str(x), str(y)))
    return differences


def _presence(pool: AnyPool | None) -> str:
    return "absent" if pool is None else "present"


def _encode(pool: AnyPool) -> dict[str, Any]:
    return {field.name: _to_json(getattr(pool, field.name)) for field in fields(pool)}


def _to_json(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, tuple):
        return [_to_json(item) for item in cast("tuple[Any, ...]", value)]
    return {"map": [[str(k), _to_json(v)] for k, v in sorted(cast("Mapping[int, Any]", value).items())]}


def _decode(body: dict[str, Any]) -> AnyPool:
    return _FAMILIES[body["family"]](**{name: _from_json(value) for name, value in body.items()})


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(item) for item in cast("list[Any]", value))
    if isinstance(value, dict):
        encoded = cast("dict[str, Any]", value)
        if "int" in encoded:
            return int(encoded["int"])
        return {int(k): _from_json(v) for k, v in encoded["map"]}
    return value
