"""The small expression language: an allow-list over Python's own syntax tree, compiled to closures.

    customer.tier == "gold" and not order.status in ["lost", "cancelled"]

Allowed: fact.field, text, numbers, yes and no, lists of those; == != < <= > >=, `in`, `not in`, `and`, `or`, `not`, brackets. Nothing can be
called, computed or looped over, and facts are plain dictionaries: there is no way to an object of the program.

What happens at run time, so that no mistake reaches a caller's ear:

- a fact that is not there makes the whole expression unknown (`Missing`), except where the rest decides: `no and …` is no, `yes or …` is yes;
- `customer.known` is never missing: it says whether the fact is there;
- a number and a text that spells a number compare as numbers; text compares with text regardless of capital letters;
- things that cannot be compared are not equal, and neither is less than the other.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ivr.language.expression_mistakes import Mistake, usual_mistake
from ivr.language.problems import quoted
from ivr.language.values import FactName, Facts, Missing, Position

LONGEST = 500
DEEPEST = 12
_YES_AND_NO = {"yes": True, "true": True, "no": False, "false": False}
_Run = Callable[[Facts], Any]


@dataclass(frozen=True)
class Comparison:
    """`order.status == "late"` somewhere in an expression: what lint compares with the field's type."""

    name: FactName
    operator: str
    value: Any


@dataclass(frozen=True)
class CompiledExpression:
    """See `values.Expression`. `certain` are the facts that must be there for it to hold: "order" and "order.status"."""

    source: str
    at: Position
    names: tuple[FactName, ...]
    comparisons: tuple[Comparison, ...] = ()
    certain: frozenset[str] = frozenset()
    run: _Run = field(default=lambda facts: None, repr=False, compare=False)

    def evaluate(self, facts: Facts) -> Any:
        """The value; raises `Missing` where a fact is not there. Never anything else."""
        return self.run(facts)

    def holds(self, facts: Facts) -> bool:
        """The value as yes or no; a missing fact means no."""
        try:
            return truth(self.run(facts))
        except Missing:
            return False

    def __reduce__(self) -> tuple[Any, ...]:
        """Closures do not travel between processes: the other side compiles the source again."""
        return (compile_expression, (self.source, self.at))


def truth(value: Any) -> bool:
    """Yes or no: "no", "false", "", 0 and empty lists are no."""
    if isinstance(value, str):
        return value.strip().casefold() not in ("", "no", "false", "0")
    return bool(value)


def fact_value(facts: Facts, root: str, field_name: str) -> Any:
    """`root.field` in `facts`; raises `Missing`. `known` is answered for every fact."""
    found = facts.get(root)
    if field_name == "known" and (found is None or "known" not in found):
        return bool(found)
    value = None if found is None else found.get(field_name)
    if value is None:
        raise Missing(f"{root}.{field_name}")
    return value


def compile_expression(source: str, at: Position, place: Callable[[int], Position] | None = None) -> CompiledExpression:
    """Compile `source`; raises `Mistake`. `place` maps an offset in `source` to a position in the file (default: same line)."""

    def on_line(offset: int) -> Position:
        return Position(at.file, at.line, at.column + offset)

    compiler = _Compiler(source, place or on_line)
    return compiler.compiled(at)


class _Compiler:
    """One expression on its way from text to closure."""

    def __init__(self, source: str, place: Callable[[int], Position]) -> None:
        self.source = source
        self.place = place
        self.names: list[FactName] = []
        self.comparisons: list[Comparison] = []
        self.indent = len(source) - len(source.lstrip())

    def compiled(self, at: Position) -> CompiledExpression:
        text = self.source.strip()
        if not text:
            raise Mistake(0, "Nothing stands here where an expression should be.", "Write one such as customer.known.")
        if len(text) > LONGEST:
            raise Mistake(0, f"The expression is longer than {LONGEST} characters.", "Split it into several variants or choices.")
        if "\n" in text:
            text = text.replace("\n", " ")
        usual = usual_mistake(text)
        if usual:
            usual.offset += self.indent
            raise usual
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text, mode="eval")
        except SyntaxError as error:
            offset = max(0, min((error.offset or 1) - 1, len(text) - 1))
            raise self.unreadable(offset + self.indent) from None
        except (ValueError, MemoryError, RecursionError):
            raise self.unreadable(self.indent) from None
        self.bytes = text.encode("utf-8")
        run = self.expression(tree.body, 0)
        return CompiledExpression(self.source, at, tuple(self.names), tuple(self.comparisons), _certain(tree.body), run)

    def unreadable(self, offset: int) -> Mistake:
        return Mistake(
            offset,
            "This is not an expression that can be read.",
            'Write it like: customer.tier == "gold" and queue.wait_minutes > 5',
        )

    def offset(self, node: ast.expr) -> int:
        """Characters from the start of the source; Python counts bytes."""
        return self.indent + len(self.bytes[: node.col_offset].decode("utf-8", "ignore"))

    def length(self, node: ast.expr) -> int:
        return max(1, len(self.bytes[node.col_offset : node.end_col_offset].decode("utf-8", "ignore")))

    def refuse(self, node: ast.expr, message: str, hint: str = "") -> Mistake:
        return Mistake(self.offset(node), message, hint, self.length(node))

    def expression(self, node: ast.expr, depth: int) -> _Run:
        if depth > DEEPEST:
            raise self.refuse(
                node, f"The expression is nested more than {DEEPEST} levels deep.", "Split it into several choices."
            )
        if isinstance(node, ast.BoolOp):
            return _either([self.expression(part, depth + 1) for part in node.values], isinstance(node.op, ast.Or))
        if isinstance(node, ast.UnaryOp):
            return self.unary(node, depth)
        if isinstance(node, ast.Compare):
            return self.compare(node, depth)
        if isinstance(node, ast.Attribute):
            return self.fact(node)
        if isinstance(node, ast.Name):
            return self.word(node)
        if isinstance(node, (ast.List, ast.Tuple)):
            parts = [self.expression(part, depth + 1) for part in node.elts]
            return lambda facts: [part(facts) for part in parts]
        if isinstance(node, ast.Constant):
            return self.constant(node)
        raise self.not_allowed(node)

    def not_allowed(self, node: ast.expr) -> Mistake:
        if isinstance(node, ast.Call):
            return self.refuse(node, "Nothing can be called in an expression.", "Use facts and comparisons only.")
        if isinstance(node, ast.BinOp):
            return self.refuse(
                node, "There is no arithmetic here.", "Let the connector deliver the figure as a field of its own."
            )
        if isinstance(node, ast.Subscript):
            return self.refuse(node, "Brackets after a name are not known here.", "Write fact.field.")
        if isinstance(node, ast.IfExp):
            return self.refuse(node, "There is no if … else here.", "Use variants with `when`.")
        return self.refuse(
            node, "This is not allowed in an expression.", "Allowed: facts, text, numbers, comparisons, and, or, not, in."
        )

    def unary(self, node: ast.UnaryOp, depth: int) -> _Run:
        if isinstance(node.op, ast.Not):
            inner = self.expression(node.operand, depth + 1)
            return lambda facts: not truth(inner(facts))
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and _is_number(node.operand.value):
            negative = -self.constant(node.operand)({})
            return lambda facts: negative
        raise self.not_allowed(ast.copy_location(ast.BinOp(node.operand, ast.Sub(), node.operand), node))

    def constant(self, node: ast.Constant) -> _Run:
        value = node.value
        if isinstance(value, bool) or value is None:
            raise self.refuse(node, f"{value} is not known here.", "Write yes or no." if value is not None else "Use fact.known.")
        if isinstance(value, str) and self.bytes[node.col_offset : node.col_offset + 1] not in (b'"', b"'"):
            raise self.refuse(node, "Text in an expression has no letter before its quotes.", "Delete the letter.")
        if isinstance(value, (str, int, float)) and not (isinstance(value, (int, float)) and abs(value) > 1e15):
            return lambda facts: value
        raise self.refuse(node, "Only text and ordinary numbers can stand here.", 'Write "text" or 12.5.')

    def word(self, node: ast.Name) -> _Run:
        if node.id in _YES_AND_NO:
            value = _YES_AND_NO[node.id]
            return lambda facts: value
        raise self.refuse(
            node,
            f"{quoted(node.id)} is neither a fact's field nor text in quotes.",
            f'Write fact.field, such as {node.id}.known, or "{node.id}" in quotes if it is text (in YAML: \'"{node.id}"\').',
        )

    def fact(self, node: ast.Attribute) -> _Run:
        if not isinstance(node.value, ast.Name):
            raise self.refuse(node, "A fact has one level of fields.", "Write fact.field, such as order.status.")
        root, field_name = node.value.id, node.attr
        if root in _YES_AND_NO:
            raise self.refuse(
                node, f"{root} is a value and has no fields.", "Write a fact's name before the dot, such as customer.known."
            )
        self.names.append(FactName(root, field_name, self.place(self.offset(node))))
        return lambda facts: fact_value(facts, root, field_name)

    def compare(self, node: ast.Compare, depth: int) -> _Run:
        sides = [node.left, *node.comparators]
        runs = [self.expression(side, depth + 1) for side in sides]
        checks: list[tuple[_Run, Callable[[Any, Any], bool], _Run]] = []
        for index, operator in enumerate(node.ops):
            compared = _COMPARES.get(type(operator))
            if compared is None:
                raise self.refuse(node, "This comparison is not known here.", "Use == != < <= > >= in.")
            self.remember(sides[index], compared[0], sides[index + 1])
            checks.append((runs[index], compared[1], runs[index + 1]))
        if len(checks) == 1:
            left, check, right = checks[0]
            return lambda facts: check(left(facts), right(facts))
        return lambda facts: all(check(left(facts), right(facts)) for left, check, right in checks)

    def remember(self, left: ast.expr, operator: str, right: ast.expr) -> None:
        """Keep `fact.field <operator> constant` for lint."""
        for one, other in ((left, right), (right, left)):
            if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
                value = _literal(other)
                if value is not None:
                    at = self.place(self.offset(one))
                    self.comparisons.append(Comparison(FactName(one.value.id, one.attr, at), operator, value))
                return


def _certain(node: ast.expr) -> frozenset[str]:
    """Facts without which an expression cannot hold. A field that is there means that its fact is."""
    if isinstance(node, ast.BoolOp):
        parts = [_certain(part) for part in node.values]
        return frozenset.union(*parts) if isinstance(node.op, ast.And) else frozenset.intersection(*parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        # `not customer.known` holds for a missing customer; `not (a and b)` may hold without one of them.
        inner = node.operand
        decides = isinstance(inner, ast.Compare) or (isinstance(inner, ast.Attribute) and inner.attr != "known")
        return _certain(inner) if decides else frozenset()
    compared = isinstance(node, ast.Compare)  # `order.known == no` holds for a missing order
    found = (
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and not (compared and part.attr == "known")
    )
    return frozenset(name for part in found for name in (ast.unparse(part.value), ast.unparse(part)))


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_literal(part) for part in node.elts]
    if isinstance(node, ast.Name) and node.id in _YES_AND_NO:
        return _YES_AND_NO[node.id]
    return None


def _either(parts: list[_Run], is_or: bool) -> _Run:
    """`and` and `or` over three values: what is missing only counts where the rest does not decide."""

    def run(facts: Facts) -> bool:
        missing: Missing | None = None
        for part in parts:
            try:
                if truth(part(facts)) is is_or:
                    return is_or
            except Missing as error:
                missing = missing or error
        if missing is not None:
            raise missing
        return not is_or

    return run


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_SPELT_NUMBER = re.compile(r"\s*-?\d{1,15}(?:\.\d{1,15})?\s*")


def _as_number(value: Any) -> float | None:
    if _is_number(value):
        return float(value)
    if isinstance(value, str) and _SPELT_NUMBER.fullmatch(value):
        return float(value)
    return None


def _pair(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Both sides in a form that can be compared, or None."""
    if isinstance(left, bool) or isinstance(right, bool):
        if all(isinstance(side, (bool, str, int, float)) for side in (left, right)):
            return truth(left), truth(right)
        return None
    if _is_number(left) or _is_number(right):
        numbers = _as_number(left), _as_number(right)
        return numbers if None not in numbers else None
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold(), right.casefold()
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)) and len(left) == len(right):
        return (0, 0) if all(_equal(one, other) for one, other in zip(left, right, strict=True)) else (0, 1)
    return None


def _equal(left: Any, right: Any) -> bool:
    pair = _pair(left, right)
    return pair is not None and bool(pair[0] == pair[1])


def _before(left: Any, right: Any) -> bool:
    if isinstance(left, (list, tuple)) or isinstance(right, (list, tuple)):
        return False
    pair = _pair(left, right)
    return pair is not None and bool(pair[0] < pair[1])


def _within(left: Any, right: Any) -> bool:
    if isinstance(right, (list, tuple)):
        return any(_equal(left, part) for part in right)
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() in right.casefold()
    return False


_COMPARES: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Eq: ("==", _equal),
    ast.NotEq: ("!=", lambda left, right: not _equal(left, right)),
    ast.Lt: ("<", _before),
    ast.LtE: ("<=", lambda left, right: _before(left, right) or _equal(left, right)),
    ast.Gt: (">", lambda left, right: _before(right, left)),
    ast.GtE: (">=", lambda left, right: _before(right, left) or _equal(left, right)),
    ast.In: ("in", _within),
    ast.NotIn: ("not in", lambda left, right: not _within(left, right)),
}
