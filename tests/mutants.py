"""Python sources with one small fault each, and whether the tests see it.

A mutant lives in a forked process alone: an import hook hands out the changed module, the file stays as it is.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import pytest

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 120
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One module with one fault. `name` says where and what."""

    module: str
    name: str
    code: CodeType


def mutants(path: Path) -> Iterator[Mutant]:
    """List every mutant of a file: comparisons, numbers, conditions, arithmetic, raises, returns, and/or."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for place, node in enumerate(ast.walk(tree)):
        for kind in range(len(_faults(node))):
            changed = deepcopy(tree)
            target = list(ast.walk(changed))[place]
            what, put = _faults(target)[kind]
            if put is not None:
                changed = _Put(target, put).visit(changed)
            name = f"{path.name}:{getattr(node, 'lineno', 0)} {what} in {ast.unparse(node).splitlines()[0][:70]}"
            code = compile(ast.fix_missing_locations(changed), str(path), "exec")
            yield Mutant(module=module, name=name, code=code)


def untouched(path: Path) -> Mutant:
    """Make the mutant without a fault, which no test may kill."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    return Mutant(module=module, name=f"{path.name} as it is", code=code)


def is_killed(mutant: Mutant, tests: Sequence[str]) -> bool:
    """Run the tests on a mutant in a process of its own; True when one fails, or all hang."""
    child = os.fork()
    if child == 0:
        signal.alarm(TIMEOUT_S)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        assert not any(name.startswith("engine.risk") for name in sys.modules)
        sys.meta_path.insert(0, _Hands(mutant))
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests])))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


class _Hands(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Hands out the mutant where its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.mutant.module:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.mutant.code, module.__dict__)


class _Put(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _faults(node: ast.AST) -> list[tuple[str, ast.AST | None]]:
    """List what can be wrong with a node: in words, and what to put there. None: the node itself is changed."""
    found: list[tuple[str, ast.AST | None]] = []
    match node:
        case ast.Compare(left=left, ops=[op], comparators=rest) if type(op) in COMPARED:
            found.append((f"{COMPARED[type(op)].__name__}", ast.Compare(left, [COMPARED[type(op)]()], rest)))
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            found += [(f"{value + step}", ast.Constant(value + step)) for step in (1, -1)]
        case ast.Constant(value=bool(value)):
            found.append((f"{not value}", ast.Constant(not value)))
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            found.append(("no not", inner))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in COUNTED and not isinstance(left, ast.JoinedStr):
            found.append((COUNTED[type(op)].__name__, ast.BinOp(left, COUNTED[type(op)](), right)))
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            found.append((type(other).__name__, ast.BoolOp(other, values)))
        case ast.If(test=test, body=body, orelse=orelse):
            found.append(("if not", ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            found.append(("if not", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)))
        case ast.Raise():
            found.append(("no raise", ast.Pass()))
        case ast.Return(value=value) if value is not None and not _is_none(value):
            found.append(("return None", ast.Return(ast.Constant(None))))
        case ast.Call(func=ast.Name(id="min" | "max" as name), args=args, keywords=keywords):
            other_name = "max" if name == "min" else "min"
            found.append((other_name, ast.Call(ast.Name(other_name, ast.Load()), args, keywords)))
        case _:
            pass
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
