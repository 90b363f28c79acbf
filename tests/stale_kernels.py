"""Which compiled kernels are others where one place of kernels/ is: what must be compiled anew.

The sources are taken apart into parts, the statements of their modules: functions, assignments. A
part is another where one that it names is. What is called by its name, a `shared` function, leaves
its callers as they are: their code has a symbol of it and the types of its arguments, nothing else.
"""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# No code is made by these: they look for it, and what they ask for is in the names of the cache.
WITHOUT_CODE = {"_cache.py", "_folders.py", "_fork.py", "_numba.py", "_types.py"}


def kernel_files():
    """Return the files of kernels/ by the names of their modules: ("loop", "train")."""
    room = ROOT / "kernels"
    return {
        path.relative_to(room).with_suffix("").parts: path
        for path in room.rglob("*.py")
        if "__pycache__" not in path.parts
    }


def _is_set(name):
    return isinstance(name.ctx, ast.Store)


def names_set(part):
    """Return the names that a statement of a module defines there."""
    if isinstance(part, ast.FunctionDef | ast.ClassDef):
        return {part.name}
    return {n.id for n in ast.walk(part) if isinstance(n, ast.Name) and _is_set(n)}


def defined(tree):
    """Return the names that a module defines, and those that its functions define inside."""
    outer, inner = set(), set()
    for part in tree.body:
        outer |= names_set(part)
        inner |= {n.name for n in ast.walk(part) if isinstance(n, ast.FunctionDef) and n != part}
    return outer, inner


def _imported(module, tree, files):
    """Return what names of a module are imported as: a module, and a name in it or None."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*module[: -node.level], *filter(None, (node.module or "").split(".")))
            home = base if base in files else (*base, "__init__")
            for alias in node.names:
                own = (*base, alias.name), (*base, alias.name, "__init__")  # of a module or a room
                inside = [(place, None) for place in own if place in files]
                found[alias.asname or alias.name] = inside[0] if inside else (home, alias.name)
    return found


def _decorators(part):
    nodes = getattr(part, "decorator_list", [])
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _is_called_by_name(part):
    """Tell whether its callers know no more of a part than its name: not its result's type."""
    values = [n for n in ast.walk(part) if isinstance(n, ast.Return) and n.value is not None]
    return "shared" in _decorators(part) and not values


def _is_known_by_name(part):
    """Tell whether what uses a part names it: Numba finds by types what is registered there."""
    if isinstance(part, ast.FunctionDef):
        registers = {"register_pass", "register_model", "type_callable", "lower_builtin"}
        return not _decorators(part) & registers
    return isinstance(part, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom)


class _Sources:
    """The parts of all modules, (module, number), and which of them use which."""

    def __init__(self):
        self.files = kernel_files()
        self.trees = {m: ast.parse(f.read_text(encoding="utf-8")) for m, f in self.files.items()}
        self.imported = {m: _imported(m, t, self.files) for m, t in self.trees.items()}
        self.parts = {(m, i): n for m, tree in self.trees.items() for i, n in enumerate(tree.body)}
        self.places = {}  # of names
        for place, part in self.parts.items():
            for name in names_set(part):
                self.places.setdefault((place[0], name), set()).add(place)
        names = [defined(tree) for tree in self.trees.values()]
        self.known, self.inside = (set().union(*each) for each in zip(*names, strict=True))
        self.users = {place: set() for place in self.parts}
        for place, part in self.parts.items():
            if not isinstance(part, ast.Import | ast.ImportFrom):
                for used in self._used(place[0], part):
                    self.users[used].add(place)

    def _used(self, module, part):
        """Return the places of all that a part names, whatever it means by it."""
        found = set()
        for node in ast.walk(part):
            if isinstance(node, ast.Name):
                found |= self._find(module, node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                of, name = self.imported[module].get(node.value.id, (None, ""))
                found |= self._find(of, node.attr) if name is None else set()
        return found

    def _find(self, module, name):
        if (module, name) in self.places:
            return self.places[module, name]
        of, inside = self.imported.get(module, {}).get(name, (None, None))
        return self._find(of, inside) if inside is not None else set()

    def at(self, path, line):
        """Return the place of the statement that a file's line is of."""
        (module,) = (m for m, file in self.files.items() if file == ROOT / path)
        for i, part in enumerate(self.trees[module].body):
            first = min(n.lineno for n in ast.walk(part) if hasattr(n, "lineno"))  # a decorator's
            if first <= line <= part.end_lineno:
                return module, i
        raise ValueError(f"line {line} of {path} is of no statement")

    def changed_by(self, place):
        """Return a place, and all whose code is another where its is."""
        changed, more = set(), {place}
        while more:
            changed |= more
            unnamed = {p[0] for p in more if not _is_known_by_name(self.parts[p])}
            heard = {p for p in more if not _is_called_by_name(self.parts[p])}
            more = set().union(*(self.users[p] for p in heard), *map(self._importing, unnamed))
            more -= changed
        return changed

    def _importing(self, module):
        """Return all places of a module and of those that import it, and of what imports these."""
        changed = {module}
        imports = {m: {of for of, _ in names.values()} for m, names in self.imported.items()}
        while grown := {m for m in self.files if imports[m] & changed} - changed:
            changed |= grown
        return {place for place in self.parts if place[0] in changed}


@functools.cache
def _sources():
    return _Sources()


def stale_names(path, line=0):
    """Return a function of a kernel's name: whether it may be another where that line is.

    Nothing is another where `path` is None. A name that no module defines, or that a function
    defines inside, may be anything. What is registered with Numba is named by nobody: of that,
    whatever imports the file may be another.
    """
    if path is None or path.name in WITHOUT_CODE:
        return lambda name: False
    sources = _sources()
    changed = sources.changed_by(sources.at(path, line))
    named = {name for (_, name), places in sources.places.items() if places & changed}
    stale = named | sources.inside
    return lambda name: name in stale or name not in sources.known
