"""The mutants of a module: its source with one check removed, flipped or widened. Knows Python, not policies.

They are enumerated in the order of the source, and told by their function and the text that changes, not by a line.
"""

from __future__ import annotations

import ast
import copy
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_CALLED = {"all": "any", "any": "all", "min": "max", "max": "min"}
# Statements without which something is not looked at, not told or not left.
_DROPPED = (ast.AugAssign, ast.Return, ast.Continue, ast.Break)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What runs never, or before a function does.
_NO_CODE = frozenset(("annotation", "returns", "decorator_list"))

_NOTHING = "nothing"
# Where a property, a cached property and a cached function have what they call.
_INNER = ("fget", "func", "__wrapped__")

# What puts another node in one's place, that other, and both in words.
Site = tuple[Callable[[ast.AST], None], ast.AST, str, str]
Variant = tuple[ast.AST, str, str]


@dataclass(frozen=True)
class Mutant:
    """One change: in which function (`Class.method`), what stood there, what stands there now; the function's lines."""

    function: str
    was: str
    now: str
    line: int
    within: range
    apply: Callable[[], None]

    @property
    def key(self) -> str:
        """What tells it apart within its module, whatever its line."""
        return f"{self.function}: {self.was} → {self.now}"


def mutants(tree: ast.Module) -> list[Mutant]:
    """Every mutant of a module's functions; `apply` changes `tree` itself, once and for all."""
    found = []
    for name, function in functions(tree):
        seen: Counter[str] = Counter()
        for line, (put, new, was, now) in sorted(_sites(function), key=lambda site: site[0]):
            seen[f"{was} → {now}"] += 1
            nth = seen[f"{was} → {now}"]
            now += f" (no. {nth})" if nth > 1 else ""
            found.append(Mutant(name, was, now, line, _lines(function), partial(put, new)))
    return found


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The functions and methods of a module; those inside of them are parts of them."""
    for node in tree.body:
        if isinstance(node, _FUNCTIONS):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, _FUNCTIONS))


def _lines(node: Any) -> range:
    return range(node.lineno, node.end_lineno + 1)


def checks_outside(tree: ast.Module) -> list[str]:
    """Checks that stand in no function, which `mutants` would miss."""
    inside = {id(node) for _, function in functions(tree) for node in ast.walk(function)}
    outside = [node for node in ast.walk(tree) if id(node) not in inside and list(_changed(node))]
    typing = {id(child) for node in outside if _text(node) == "TYPE_CHECKING" for child in ast.walk(node)}
    return [_text(node) for node in outside if id(node) not in typing]


def install(module: types.ModuleType, tree: ast.Module, function: str) -> None:
    """Give a loaded module's function the code that it has in this tree, and forget what functions remember."""
    whole = compile(ast.fix_missing_locations(tree), str(module.__file__), "exec", dont_inherit=True)
    _function(module, function).__code__ = _codes(whole)[function]
    for name, value in list(vars(module).items()):
        if hasattr(value, "cache_clear"):
            getattr(module, name).cache_clear()


def read(module: types.ModuleType) -> ast.Module:
    """A module's source as a tree."""
    return ast.parse(Path(str(module.__file__)).read_text())


def _function(module: types.ModuleType, name: str) -> types.FunctionType:
    found: object = module
    for part in name.split("."):
        found = vars(found)[part]
    while not isinstance(found, types.FunctionType):
        found = next(getattr(found, each) for each in _INNER if hasattr(found, each))
    return found


def _codes(code: types.CodeType) -> dict[str, types.CodeType]:
    """Functions and methods by their qualified name; not what stands inside of functions."""
    found = {}
    for each in code.co_consts:
        if isinstance(each, types.CodeType) and "<" not in each.co_qualname:
            found[each.co_qualname] = each
            found |= _codes(each)
    return found


def _sites(function: ast.AST) -> Iterator[tuple[int, Site]]:
    """Each change that can be made, and its line."""
    for holder in _walk(function):
        for field, value in ast.iter_fields(holder):
            if field in _NO_CODE or (holder is function and field != "body"):
                continue
            nodes = value if isinstance(value, list) else [value]
            for index, node in enumerate(nodes):
                if isinstance(node, ast.stmt | ast.expr):
                    put = _putter(holder, field, index if isinstance(value, list) else None)
                    for new, was, now in _variants(holder, field, node):
                        yield node.lineno, (put, new, was, now)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that decide something: no assertions, nothing of what is raised, no types."""
    if isinstance(node, ast.Assert | ast.Raise):
        return
    yield node
    for field, value in ast.iter_fields(node):
        for child in (value if isinstance(value, list) else [value]) if field not in _NO_CODE else ():
            if isinstance(child, ast.AST):
                yield from _walk(child)


def _putter(holder: ast.AST, field: str, index: int | None) -> Callable[[ast.AST], None]:
    def put(new: ast.AST) -> None:
        if index is None:
            setattr(holder, field, new)
        else:
            getattr(holder, field)[index] = new

    return put


def _variants(holder: ast.AST, field: str, node: ast.AST) -> Iterator[Variant]:
    constants = []
    if field == "test" and isinstance(holder, ast.If | ast.IfExp):
        constants = [True, False]
    elif field == "test" and isinstance(holder, ast.While):
        constants = [False]
    elif field == "ifs":
        constants = [True]
    elif isinstance(holder, ast.Return) and isinstance(node, ast.Constant) and isinstance(node.value, bool):
        constants = [not node.value]
    for each in constants:
        yield ast.Constant(each), _text(node), str(each)
    if isinstance(node, ast.stmt) and _droppable(holder, field, node):
        yield ast.Pass(), _text(node), _NOTHING
    yield from _changed(node)
    yield from _less(node)


def _changed(node: ast.AST) -> Iterator[Variant]:
    """An expression with one operand less, another operator, the opposite call, or without its `not`."""
    if isinstance(node, ast.BoolOp):
        word = "and" if isinstance(node.op, ast.And) else "or"
        for index, value in enumerate(node.values):
            rest = _without(node.values, index)
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest), f"{word} {_text(value)}", _NOTHING
    elif isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            ops = [*node.ops[:index], _COMPARED[type(operator)](), *node.ops[index + 1 :]]
            yield _both(node, ast.Compare(node.left, ops, node.comparators))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _both(node, node.operand)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield _both(node, ast.Call(ast.Name(_CALLED[node.func.id], ast.Load()), node.args, node.keywords))


def _less(node: ast.AST) -> Iterator[Variant]:
    """A call with one keyword less, a list, set or tuple with one element less."""
    if isinstance(node, ast.Call):
        for index, keyword in enumerate(node.keywords):
            rest = _without(node.keywords, index)
            yield ast.Call(node.func, node.args, rest), f"{keyword.arg}={_text(keyword.value)}", _NOTHING
    elif isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1:
        for index, element in enumerate(node.elts):
            less = copy.copy(node)
            less.elts = _without(node.elts, index)
            yield less, f"{_text(element)} of {_text(node)}", _NOTHING


def _without(nodes: list[Any], index: int) -> list[Any]:
    return [*nodes[:index], *nodes[index + 1 :]]


def _both(node: ast.AST, new: ast.AST) -> Variant:
    return new, _text(node), _text(new)


def _droppable(holder: ast.AST, field: str, node: ast.stmt) -> bool:
    """A statement whose loss is no other mutant, and leaves a function."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom) and "super()" not in _text(node)
    if not isinstance(node, _DROPPED) or (isinstance(holder, _FUNCTIONS) and isinstance(node, ast.Return)):
        return False
    alone = isinstance(holder, ast.If) and not holder.orelse and field == "body" and len(holder.body) == 1
    return not alone or isinstance(node, ast.AugAssign)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())
