"""Where settings come from, and what is said when one cannot be used: always one line that names source and setting."""

import difflib
import json
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from engine.domain.errors import ConfigError

PREFIX = "KETCH_"
NOT_SETTINGS = frozenset(
    {
        "KETCH_STATE", "KETCH_CACHE", "KETCH_NODE", "KETCH_LOCKS", "KETCH_KEY_PASSPHRASE", "KETCH_HOT_KEY",
        "KETCH_DATA", "KETCH_RPC_ETHEREUM", "KETCH_RPC_ARBITRUM", "KETCH_RPC_BASE", "KETCH_RPC_OPTIMISM",
    }
)  # fmt: skip
"""Variables with our prefix that are read elsewhere: places, secrets, paper's endpoints, the tests' shared data."""

Tree = dict[str, Any]
LOCAL_LIMITS: Tree = {
    "max_gas_wei": str(2 * 10**16),
    "gas_budget_per_day_wei": str(10**18),
    "max_loss_per_day_wei": str(2 * 10**17),
    "bid_share_ppm": 500_000,
    "max_notional_per_day_wei": str(10**24),
    "max_notional_per_token_per_day_wei": str(10**24),
    "max_notional_per_venue_per_day_wei": str(10**24),
    "max_exposure_wei": str(10**21),
    "halt_at_losses_in_a_row": 100,
    "max_trades_per_minute": 10_000,
    "agent_notional_per_day_wei": str(10**22),
    "agent_gas_per_day_wei": str(2 * 10**17),
    "agents_gas_per_day_wei": str(5 * 10**17),
}
"""A local chain's own: room for some hundred trades of a coin worth nothing, and a bid that its rivals have to beat."""
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Source:
    """A tree of settings and what people call the place it came from."""

    label: str
    values: Tree


def from_file(path: Path, model: type[BaseModel]) -> Source:
    """Read a TOML file, empty when it is not there; raises `ConfigError` with the line that is wrong."""
    try:
        return from_toml(path.read_bytes(), model, str(path))
    except FileNotFoundError:
        return Source(str(path), {})
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror})", next_step="correct its permissions") from error


def from_toml(data: bytes, model: type[BaseModel], label: str) -> Source:
    """Read the text of a TOML file; raises `ConfigError` with the line that is wrong, or for an unknown setting."""
    try:
        values = tomllib.loads(data.decode())
    except tomllib.TOMLDecodeError as error:
        _corrupt(label, str(error), error)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        _corrupt(label, f"not UTF-8 text (at line {line})", error)
    except RecursionError as error:
        _corrupt(label, "nested too deeply", error)
    for dotted in _leaves(values):
        _refuse_unknown(dotted, model, label)
    return Source(label, values)


def from_environment(environ: Mapping[str, str], model: type[BaseModel]) -> Source:
    """Read KETCH_* variables; `__` separates a table from its setting. Lists are separated by commas."""
    values: Tree = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        dotted = name.removeprefix(PREFIX).lower().replace("__", ".")
        _refuse_unknown(dotted, model, f"the environment ({name})")
        _put(values, dotted, _shaped(environ[name], _annotation(model, dotted.split("."))))
    return Source("the environment", values)


def from_assignments(given: Sequence[str], model: type[BaseModel], label: str) -> Source:
    """Read "scan.max_hops=2" and the like; raises `ConfigError` for a setting that there is not."""
    values: Tree = {}
    for text in given:
        dotted, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"{label} {text!r} sets nothing", next_step=f"write {label} NAME=VALUE")
        _refuse_unknown(dotted, model, label)
        _put(values, dotted, _shaped(value, _annotation(model, dotted.split("."))))
    return Source(label, values)


def from_options(given: Mapping[str, object]) -> Source:
    """Take what the command line gave, by dotted name; None is as if absent."""
    values: Tree = {}
    for dotted, value in given.items():
        if value is not None:
            _put(values, dotted, value)
    return Source("the command line", values)


def from_manifest(path: Path) -> Source:
    """Read what a running local chain says of itself, empty when there is none; raises `ConfigError` when corrupt."""
    try:
        manifest = json.loads(path.read_bytes())
        values = {
            "chain": manifest["chain_id"],
            "rpc": manifest["rpc"],
            "ws": manifest["ws"],
            "start_block": manifest["start_block"],
            "native_wrapped": manifest["native_wrapped"],
            "base_tokens": [token["address"] for token in manifest["tokens"]],
            "deployments": manifest["deployments"],
            "lockstep_socket": manifest["control"],
            "ordering": manifest.get("ordering", "priority_fee"),
            "risk": dict(LOCAL_LIMITS),
        }
        if relay := manifest.get("relay"):
            values["submission"] = {"private": [relay]}
    except FileNotFoundError:
        return Source(str(path), {})
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is not a local chain's manifest", next_step="start the chain again") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror})", next_step="correct its permissions") from error
    return Source(str(path), values)


def settle(model: type[Model], sources: Sequence[Source]) -> Model:
    """Lay each source over the one before and check the whole; raises `ConfigError` for the first thing wrong."""
    merged: Tree = {}
    for source in sources:
        lay(merged, source.values)
    try:
        return model.model_validate_json(json.dumps(merged, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = [str(part) for part in first["loc"]]
        dotted = ".".join(_known_part(path, model))
        label = next((s.label for s in reversed(sources) if stated_in(s.values, dotted)), "the configuration")
        raise ConfigError(f"{dotted or 'settings'} {said(first['type'], first['msg'])} (in {label})") from error


def said(kind: str, message: str) -> str:
    """Put what the validator found into words; its own wording is kept for ranges, never its types or links."""
    words = {
        "int_type": "must be a whole number",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "float_type": "must be a number",
        "string_type": "must be text",
        "bool_type": "must be true or false",
        "tuple_type": "must be a list",
        "list_type": "must be a list",
        "frozen_set_type": "must be a list",
        "set_type": "must be a list",
        "dict_type": "must be a table",
        "model_type": "must be a table",
        "model_attributes_type": "must be a table",
        "dataclass_type": "must be a table",
        "missing": "is missing",
        "extra_forbidden": "is not a setting",
    }
    if kind in words:
        return words[kind]
    return message.removeprefix("Value error, ").replace("Input should be", "must be").splitlines()[0]


def is_setting(model: type[BaseModel], dotted: str) -> bool:
    """Whether there is a setting of this name, or a table."""
    return _annotation(model, dotted.split(".")) is not None


def _refuse_unknown(dotted: str, model: type[BaseModel], label: str) -> None:
    """Raise `ConfigError` naming the nearest setting unless `dotted` is one."""
    if is_setting(model, dotted):
        return
    every = list(settings_in(model))
    by_last = {name.rsplit(".", 1)[-1]: name for name in every}
    near = difflib.get_close_matches(dotted.lower(), every, n=1, cutoff=0.6)
    last = dotted.lower().rsplit(".", 1)[-1]
    near = near or [by_last[n] for n in difflib.get_close_matches(last, by_last, n=1, cutoff=0.6)]
    step = f'did you mean "{near[0]}"?' if near else f"the settings are {', '.join(every)}"
    raise ConfigError(f'unknown setting "{dotted}" in {label}', next_step=step)


def _corrupt(label: str, found: str, cause: BaseException) -> NoReturn:
    raise ConfigError(
        f"{label} is not valid TOML: {found}", next_step="correct that line or remove the file"
    ) from cause


def _fields(node: Any) -> dict[str, Any] | None:
    """The settings inside a table by name, or None when `node` is not a table of ours."""
    if isinstance(node, type) and issubclass(node, BaseModel):
        return {name: field.annotation for name, field in node.model_fields.items()}
    if isinstance(node, type) and is_dataclass(node):
        return get_type_hints(node)
    return None


def _annotation(model: Any, path: Sequence[str]) -> Any:
    """The type of the setting at `path`, or None when there is no such setting."""
    node: Any = model
    for part in path:
        fields = _fields(node)
        if fields is not None:
            node = fields.get(part)
        elif get_origin(node) is dict:
            node = get_args(node)[1]
        else:
            return None
    return node


def settings_in(model: Any, prefix: str = "") -> Iterator[str]:
    """List every setting by its dotted name."""
    for name, annotation in (_fields(model) or {}).items():
        if _fields(annotation) is None:
            yield prefix + name
        else:
            yield from settings_in(annotation, f"{prefix}{name}.")


def _leaves(values: Tree, prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(cast("Tree", value), f"{prefix}{name}.")
        else:
            yield prefix + name


def _shaped(text: str, annotation: Any) -> object:
    """Give an environment variable its setting's shape; what does not fit stays text and is refused later."""
    kinds = list(_kinds(annotation))
    if any(kind in {tuple, list, frozenset} for kind in kinds):
        return [part.strip() for part in text.split(",") if part.strip()]
    if bool in kinds and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if int in kinds and str not in kinds:
        try:
            return int(text)
        except ValueError:
            return text
    return text


def _kinds(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType}:
        for inner in get_args(annotation):
            yield from _kinds(inner)
    elif origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    else:
        yield origin or annotation


def _put(values: Tree, dotted: str, value: object) -> None:
    *tables, last = dotted.split(".")
    for name in tables:
        values = values.setdefault(name, {})
    values[last] = value


def lay(under: Tree, over: Tree) -> None:
    """Lay one source's tree over another, in place."""
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(name), dict):
            lay(under[name], cast("Tree", value))
        else:
            under[name] = value


def stated_in(values: Tree, dotted: str) -> bool:
    """Whether a source says anything about a setting."""
    node: Any = values
    for part in dotted.split("."):
        if not isinstance(node, dict) or part not in node:
            return False
        node = cast("Tree", node)[part]
    return True


def _known_part(path: Sequence[str], model: type[BaseModel]) -> list[str]:
    """Drop what a validator appends to a setting's path (union members, list positions)."""
    known: list[str] = []
    for part in path:
        if _annotation(model, [*known, part]) is None:
            break
        known.append(part)
    return known
