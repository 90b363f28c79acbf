"""The script's own file, compiled so that the layers that it defines are looked at."""

from __future__ import annotations

import ast
import warnings
from types import CodeType

from fastnet.dropin.known import known_name

__all__ = ["DEFINED", "compiled"]

DEFINED = "__fastnet_defined__"  # the builtin that a script calls behind definitions
DEFINITIONS = ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def compiled(source: bytes, file: str) -> CodeType:
    """Compile a script so that it calls `DEFINED` behind each run of its classes and functions.

    Where it defines none by a name of the books, it calls nothing. Lines and columns of its own
    statements stay as they are, in tracebacks too.

    Raises
    ------
    SyntaxError, ValueError
        As of Python's own `compile`.
    """
    # dont_inherit: this file's `from __future__` is not the script's.
    code = compile(source, file, "exec", dont_inherit=True)
    if not any(known_name(name, kind) for name in code.co_names for kind in (True, False)):
        return code
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the source, which have been given above
        tree = ast.parse(source, file)
        if not _mark(tree):
            return code
        return compile(tree, file, "exec", dont_inherit=True)


def _mark(node: ast.AST) -> bool:
    """Put the calls into the blocks of a module, of its ifs, loops and so on; tell whether any.

    They stand at the end of a run: a network is looked at when its layers are there.
    """
    marked = False
    for _, block in ast.iter_fields(node):
        if not isinstance(block, list):
            continue
        statements, last = [], None  # the line where a run of definitions ends, if one is known
        for statement in block:
            if isinstance(statement, DEFINITIONS):
                is_class = isinstance(statement, ast.ClassDef)
                if last is not None or known_name(statement.name, is_class):
                    last = statement.end_lineno
            else:
                if last is not None:
                    statements.append(_call(last))
                    marked, last = True, None
                marked |= isinstance(statement, ast.AST) and _mark(statement)
            statements.append(statement)
        if last is not None:
            statements.append(_call(last))
            marked = True
        block[:] = statements
    return marked


def _call(line: int) -> ast.Expr:
    call = ast.Expr(ast.Call(ast.Name(DEFINED, ast.Load()), [], []))
    for part in ast.walk(call):
        if isinstance(part, (ast.expr, ast.stmt)):
            part.lineno = part.end_lineno = line
            part.col_offset = part.end_col_offset = 0
    return call
