"""What a mutant is: one operator, comparison, number, condition or `not` that is another."""

import ast
import re

OPERATORS = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "%"), ast.Mod: ("%", "//"), ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
}  # fmt: skip


def mutations(source):
    """Yield (start, end, text) of what may stand in place of source[start:end]."""
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))

    def place(line, column):  # columns count bytes
        text = source[lines[line - 1] : lines[line]]
        return lines[line - 1] + len(text.encode()[:column].decode())

    def start(node):
        return place(node.lineno, node.col_offset)

    def end(node):
        return place(node.end_lineno, node.end_col_offset)

    def between(left, right, operator):
        old, new = OPERATORS[type(operator)]
        gap = source[end(left) : start(right)]
        found = re.search(rf"(?<![\w<>=*/]){re.escape(old)}(?![\w=*/])", gap)
        if found:
            at = end(left) + found.start()
            yield at, at + len(old), new

    for node in _walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            yield from between(node.left, node.right, node.op)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for left, operator, right in zip(sides, node.ops, sides[1:]):  # noqa: B905
                if type(operator) in OPERATORS:
                    yield from between(left, right, operator)
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:]):  # noqa: B905
                yield from between(left, right, node.op)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield start(node), end(node), repr(node.value + 1)
        elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
            test = source[start(node.test) : end(node.test)]
            yield start(node.test), end(node.test), f"not ({test})"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
            yield start(node), start(node) + (3 if isinstance(node.op, ast.Not) else 1), ""


def _walk(node):
    """Yield a node and all below it, but for what is put into texts."""
    yield node
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from _walk(child)
