"""Python sources with one small fault each, listed in one order always: what a hasty edit could have written instead.

Left alone are texts (what a message says, SQL), decorators, annotations, `assert` and `import`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).parents[1]
COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""Comparison -> its boundary shifted, and it turned round."""
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One module with one fault. `name` says in which function, what, and what instead; no line, so that it lasts.

    `place` and `kind` number the node and its fault, None for the source as it is. `imported` is True for a fault
    outside of function bodies, which acts once, when the module is imported.
    """

    path: Path
    name: str
    place: int | None
    kind: int
    imported: bool

    @property
    def module(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts)

    @property
    def code(self) -> CodeType:
        tree = deepcopy(_parsed(self.path))
        if self.place is not None:
            target = next(node for at, (node, _, _) in enumerate(_places(tree)) if at == self.place)
            ast.fix_missing_locations(_Swap(target, _faults(target)[self.kind][1]).visit(tree))
        return compile(tree, str(self.path), "exec")


def untouched(path: Path) -> Mutant:
    """Make the mutant without a fault, through the same steps as the others: no test may kill it."""
    return Mutant(path=path, name=f"{path.name} as it is", place=None, kind=0, imported=True)


def mutants(path: Path) -> Iterator[Mutant]:
    """List every mutant of a file, in the order of the file."""
    names = Counter[str]()
    for place, (node, within, imported) in enumerate(_places(_parsed(path))):
        for kind, (what, _) in enumerate(_faults(node)):
            name = f"{path.name} {within}: {_short(node)} -> {what}"
            names[name] += 1
            name = f"{name} #{names[name]}" if names[name] > 1 else name
            yield Mutant(path=path, name=name, place=place, kind=kind, imported=imported)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


class _Swap(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.new, node) if node is self.old else self.generic_visit(node)


def _places(tree: ast.AST, within: str = "module", imported: bool = True) -> Iterator[tuple[ast.AST, str, bool]]:
    """List what can be wrong, where it is, and whether it acts at import: texts, decorators and annotations never."""
    for child in _read(tree):
        yield child, within, imported
        name = f"{within}.{child.name}".removeprefix("module.") if isinstance(child, NAMED) else within
        if isinstance(child, ast.FunctionDef):
            yield from _places(child.args, name, imported)
            makes = any(isinstance(inner, ast.FunctionDef) for inner in ast.walk(child) if inner is not child)
            block = ast.Module(child.body, [])
            yield from _places(
                block, name, imported and makes
            )  # a maker of functions runs at import, and is not asked again
        else:
            yield from _places(child, name, imported and not isinstance(child, ast.Lambda))


NAMED = (ast.FunctionDef, ast.ClassDef)


def _read(node: ast.AST) -> Iterator[ast.AST]:
    """List the children that are read when the code runs."""
    for name, value in ast.iter_fields(node):
        if name in {"decorator_list", "annotation", "returns", "type_params", "ctx"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert | ast.alias):
                continue
            if isinstance(child, ast.Subscript) and _is_type(child):
                continue
            if isinstance(child, ast.AST):
                yield child


def _is_type(node: ast.Subscript) -> bool:
    named = node.value.id if isinstance(node.value, ast.Name) else ""
    return named in {"Literal", "Callable", "dict", "list", "Mapping"}


def _faults(node: ast.AST) -> list[tuple[str, ast.AST]]:
    """List what could stand there instead, in words and as a tree."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=rest) if type(op) in COMPARED:
            return [_as(ast.Compare(left, [other()], rest)) for other in COMPARED[type(op)]]
        case ast.Constant(value=bool(value)):
            return [_as(ast.Constant(not value))]
        case ast.Constant(value=int(value)):
            return [_as(ast.Constant(value + step)) for step in (1, -1)]
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=inner):
            return [_as(inner)]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in COUNTED and not (_text(left) or _text(right)):
            return [_as(ast.BinOp(left, COUNTED[type(op)](), right))]
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            left_out = [values[:at] + values[at + 1 :] for at in range(len(values))]
            return [_as(ast.BoolOp(other, values))] + [
                _as(rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)) for rest in left_out
            ]
        case ast.IfExp(test=test, body=body, orelse=orelse) if not _is_turned(test):
            return [_as(ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse))]
        case ast.If(test=test, body=body, orelse=orelse) if not _is_turned(test):
            return [("if not", ast.If(ast.UnaryOp(ast.Not(), test), body, orelse))]
        case ast.comprehension(target=target, iter=each, ifs=[test], is_async=flag):
            return [("every one", ast.comprehension(target, each, [], flag))]
        case ast.Raise() | ast.Expr(value=ast.Call()):
            return [("nothing", ast.Pass())]
        case ast.Return(value=ast.expr() as value) if not _none(value):
            return [("return None", ast.Return(ast.Constant(None)))]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in SWAPPED:
            return [_as(ast.Call(ast.Name(SWAPPED[name], ast.Load()), args, keywords))]
        case ast.MatchOr(patterns=patterns):
            return [
                _fewer(patterns, at, lambda rest: ast.MatchOr(rest) if rest[1:] else rest[0])
                for at in range(len(patterns))
            ]
        case ast.Match(subject=subject, cases=cases) if len(cases) > 1:
            return [_fewer(cases, at, lambda rest: ast.Match(subject, rest)) for at in range(len(cases))]
        case ast.Tuple(elts=elts, ctx=ast.Load()) | ast.List(elts=elts, ctx=ast.Load()) if len(elts) > 1:
            make = type(node)
            return [_fewer(elts, at, lambda rest: make(rest, ast.Load())) for at in range(len(elts))]
        case ast.Dict(keys=keys, values=values) if len(keys) > 1:
            return [
                (f"no row {_short(keys[at] or values[at])}", ast.Dict(_but(keys, at), _but(values, at)))
                for at in range(len(keys))
            ]
        case _:
            return []


def _is_turned(test: ast.expr) -> bool:
    """Say whether the test itself is turned round as another mutant."""
    one = isinstance(test, ast.Compare) and len(test.ops) == 1
    return one or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))


def _as(node: ast.AST) -> tuple[str, ast.AST]:
    return _short(node), node


def _fewer(rows: list, at: int, make: object) -> tuple[str, ast.AST]:  # type: ignore[type-arg]
    return f"no row {_short(rows[at])}", make(_but(rows, at))  # type: ignore[operator]


def _but(rows: list, at: int) -> list:  # type: ignore[type-arg]
    return rows[:at] + rows[at + 1 :]


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _short(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:90]
