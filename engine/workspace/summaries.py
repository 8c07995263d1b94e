"""What a file says of itself: its docstring, heading or first paragraph, and the names that it defines."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from engine.domain.printable import printable

MAX_SUMMARY_CHARS: Final = 300
MAX_SYMBOLS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A file's kind, what it says of itself, and what it defines: classes and functions, or headings."""

    kind: str
    says: str
    symbols: tuple[str, ...] = ()


def of_python(tree: ast.Module) -> Summary:
    """Summarise a module by its docstring and its public classes and functions."""
    defined = (
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    )
    return Summary(kind="python", says=_short(ast.get_docstring(tree) or ""), symbols=_few(defined))


def of_markdown(text: str) -> Summary:
    """Summarise a document by its title and its first paragraph, and its headings."""
    lines = text.splitlines()
    headings = [line.lstrip("#").strip() for line in lines if re.match(r"#{1,3} ", line)]
    paragraph: list[str] = []
    for line in lines:
        plain = line.strip()
        if plain and not plain.startswith(("#", "|", "```", "<", "- ", "* ")):
            paragraph.append(plain)
        elif paragraph:
            break
    title = f"{headings[0]}. " if headings else ""
    return Summary(kind="markdown", says=_short(title + " ".join(paragraph)), symbols=_few(headings[1:]))


def of_text(text: str, suffix: str) -> Summary:
    """Summarise any other text by its first line."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return Summary(kind=suffix or "text", says=_short(first))


def _short(text: str) -> str:
    plain = printable(" ".join(text[: 8 * MAX_SUMMARY_CHARS].split()))
    return plain if len(plain) <= MAX_SUMMARY_CHARS else plain[: MAX_SUMMARY_CHARS - 1] + "…"


def _few(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(printable(name.expandtabs(4))[:80] for name in islice(names, MAX_SYMBOLS))
