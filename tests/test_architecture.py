"""The rules of the house, read from the source by AST; each one is shown a break that it finds.

A rule takes the root of a checkout and yields what breaks it, as `path: what`.
"""

import ast
import inspect
import re
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest

from fastnet import kernels
from fastnet.kernels import _compile

# Each module may import those of a lower number. A module that is not listed is an error: place it.
RANK = {
    "__main__": 7,
    "cli": 6,
    "checkpoint": 5,
    "dropin": 5,
    "plot": 5,
    "sklearn": 5,
    "models": 4,
    "textbook": 4,
    "callbacks": 3,
    "datasets": 3,
    "gradient": 3,
    "interchange": 3.5,
    "layers": 3,
    "losses": 3,
    "optimizer": 3,
    "penalties": 3,
    "functions": 2,
    "schedules": 2,
    "initializers": 2,
    "threads": 2,
    "info": 3,
    "warmup": 2,
    "metrics": 2,
    "weights_file": 2,
    "checks": 1,
    "memory": 1,
    "kernels": 1,
    "__init__": 0,
}
# `from fastnet import Dense`: imported when it is asked for, and for type checkers.
UPWARD = {("__init__", word) for word in RANK}

# Rooms of kernels/ whose files have one word: the room's.
OF_ONE_WORD = {"checked", "simd"}
# Files of kernels/ that are tested, but have no twin or nothing to measure. Of sparse the twin is
# affine; of checked: other kernels, and checks; calls and sweep call what they are given.
TWINLESS = {"_cache", "_compile", "_numba", "simd", "sweep", "checked"} | {
    *(
        "_convention",
        "_folders",
        "_fork",
        "_kernel",
        "_library",
        "_lower",
        "_pipeline",
        "_types",
    ),  # of the cache, and of the decorators
    *("elementwise_layers", "rules"),  # call what they are given
    *("blocking", "dots", "packing", "shallow", "tiles", "turned"),  # parts of gemm
    *("positions", "sparse"),
    "estimators",  # scikit-learn is their twin
    "convolution_pooling",  # two layers of the loop in one
    *("loop/calls", "loop/record", "loop/team"),
}
MIRRORED = {"functions", "gradient", "initializers", "layers", "losses", "metrics", "models"} | {
    "optimizer",
    "penalties",
}
# Tests of a word -> the files that are parts of it: tests/mutants.py asks them first.
PARTS = {
    "models/test_heads.py": ("loop/branches",),
    "activations/test_kernels.py": ("gates", "rectifiers"),
    "batch_normalization/test_numbers.py": ("frozen_normalization",),
    "test_convolution.py": (
        *("gathered", "geometry", "sliding"),
        *("convolution_in_loop", "convolution_input", "convolution_weights"),
        *("depthwise", "depthwise_in_loop"),
    ),
    "loop/test_every_loss_and_optimizer.py": ("loop/online",),
    "losses/test_kernels.py": ("loss_family",),
    # Not a room `sparse`: Dask would import it for the package of that name.
    "skipped_zeros/test_products.py": ("positions", "sparse"),
    "pooling/test_kernels.py": ("windows",),
    "conv/test_numbers.py": ("layers/conv", "layers/convolving", "layers/few_filters"),
    "recurrence/test_in_models.py": (
        *("recurrence_in_loop", "layers/in_directions", "layers/recurrent", "layers/recurring"),
    ),
    "recurrence/test_kernels.py": ("gru", "lstm", "reset_after_gru", "rnn"),
    "test_softmax.py": ("softmax_rows", "softmax_turned"),
    "test_affine.py": ("units",),
    "train/test_small.py": ("loop/one_row",),
    "train/test_epochs.py": (
        *("loop/blocks", "loop/gather", "loop/predict", "loop/scratch"),
        *("loop/sparse", "loop/stages", "loop/weights"),
    ),
}
TESTED_BY = {part: test for test, parts in PARTS.items() for part in parts}
OF_PRODUCTS = {
    "affine",
    "dots",
    "gemm",
    "packing",
    "positions",
    "shallow",
    "sparse",
    "tiles",
}  # their tiles have masks of their own
# Files of more than 300 lines, with the reason: at most five.
LONG = {
    "fastnet/layers/batch_normalization.py": "one layer, half of it what its docstrings say",
    "kernels/gemm.py": "one product, with the ways that it takes side by side",
    "tests/test_advice_of_checks.py": "one table: a call, its message, what it advises",
    "tests/test_architecture.py": "the rules, each with the breaks that it must find",
}
JIT = {"cfunc", "guvectorize", "jit", "jit_module", "njit", "prange", "stencil", "vectorize"}
SAFE_FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}  # keeps NaN and infinity
SLOW = {"exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "logaddexp", "power", "tanh"}
ALLOCATES = {"arange", "array", "copy", "empty", "empty_like", "full", "full_like", "ones"} | {
    "ones_like",
    "zeros",
    "zeros_like",
}


# The rules read 250 files 150 times, and few of them changed.
parse = cache(ast.parse)


@cache
def nodes(tree):
    """Return all nodes of a tree in a tuple: to walk it takes ten times as long."""
    return tuple(ast.walk(tree))


def texts(root, folder):
    """Yield path and text of every Python file, but of asv's environments.

    The link fastnet/kernels is not entered.
    """
    foreign = {("fastnet", "kernels"), ("asv_benchmarks", "env")}
    for path in sorted((root / folder).rglob("*.py")):
        relative = path.relative_to(root)
        if "__pycache__" not in relative.parts and relative.parts[:2] not in foreign:
            yield relative, path.read_text(encoding="utf-8")


def sources(root, folder):
    """Yield path and syntax tree of each of them: of all tests it takes three seconds."""
    return ((path, parse(text)) for path, text in texts(root, folder))


def imports(path, tree):
    """Yield the full name of each thing that a file imports, and whether it was named relatively.

    `from fastnet import layers` and `from . import layers` in fastnet/ give fastnet.layers.
    """
    package = path.parts[:-1]
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *filter(None, [node.module])]
            yield from ((".".join([*base, alias.name]), node.level > 0) for alias in node.names)


def functions(tree):
    return (node for node in nodes(tree) if isinstance(node, ast.FunctionDef))


def decorators(function):
    """Return the names of a function's decorators, with arguments or without."""
    called = [getattr(d, "func", d) for d in function.decorator_list]
    return {getattr(d, "id", getattr(d, "attr", None)) for d in called}


def is_jitted(function):
    """Whether it is a kernel, or what the loop calls by address."""
    return bool(decorators(function) & {"jit", "entry"})


PUBLIC = re.compile(r"^[a-z].*_(forward|backward|update|epochs|rows|differences)(_|$)")


def is_public_kernel(function):
    return PUBLIC.search(function.name) is not None and "jit" in decorators(function)


def attributes(node):
    """Yield (module, name) of each `module.name` below the node."""
    for child in nodes(node):
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            yield child.value.id, child.attr


# --------------------------------------------------------------------------- rules


def imports_run_downwards(root):
    for path, tree in sources(root, "fastnet"):
        if path.parts[1] in ("reference", "data"):
            continue
        own = path.parts[1].removesuffix(".py")  # of a package's files: the package
        if own not in RANK:
            yield f"{path}: no place in RANK"
            continue
        for name, _ in imports(path, tree):
            top, _, rest = name.partition(".")
            word = rest.partition(".")[0]
            if top == "kernels":
                yield f"{path}: imports kernels, which is fastnet.kernels"
            elif top != "fastnet" or word == "reference":
                known = {"info": {"numba", "llvmlite"}}
                known |= {"weights_file": {"safetensors"}, "interchange": {"torch", "onnx"}}
                known |= {"plot": {"matplotlib"}, "models": {"tqdm"}, "textbook": {"matplotlib"}}
                known |= {"sklearn": {"sklearn", "scipy"}, "cli": {"PIL", "pandas", "shtab"}}
                allowed = {"numpy", *sys.stdlib_module_names, *known.get(own, ())}
                if top not in allowed:
                    yield f"{path}: imports {name}"
            else:
                word = word if word in RANK else "__init__"
                inside = word == own and len(path.parts) > 2
                if RANK[word] >= RANK[own] and not inside and (own, word) not in UPWARD:
                    yield f"{path}: imports {word}, which is not below it"


def kernels_import_only_numba_numpy_and_themselves(root):
    for path, tree in sources(root, "kernels"):
        allowed = {"inspect", "math", "numpy", "numba", "llvmlite", "typing"}
        if path.stem in (
            "__init__",
            "_cache",
            "_compile",
            "_folders",
            "_fork",
            "_kernel",
            "_library",
            "_lower",
            "_numba",
            "_pipeline",
            "blocking",
            "calls",
            "arithmetic",
        ):  # what Python itself has
            allowed |= set(sys.stdlib_module_names)
        for name, relative in imports(path, tree):
            if not relative and name.partition(".")[0] not in allowed:
                yield f"{path}: imports {name}"
            elif relative and not name.startswith("kernels."):
                yield f"{path}: imports {name} from outside"


def the_reference_imports_only_numpy_and_itself(root):
    for path, tree in sources(root, "fastnet/reference"):
        for name, relative in imports(path, tree):
            allowed = {"numpy", *sys.stdlib_module_names}
            if relative and not name.startswith("fastnet.reference"):
                yield f"{path}: imports {name} from outside"
            elif not relative and name.partition(".")[0] not in allowed:
                yield f"{path}: imports {name}"


def only_kernels_are_compiled(root):
    for path, tree in sources(root, "fastnet"):
        for name, _ in imports(path, tree):
            top, _, last = name.rpartition(".")
            if top.partition(".")[0] == "numba" and last in JIT:
                yield f"{path}: uses {name}"
        for module, name in attributes(tree):
            if module in ("numba", "nb") and name in JIT:
                yield f"{path}: uses {module}.{name}"
        yield from (f"{path}: {f.name} is jitted" for f in functions(tree) if is_jitted(f))


def kernels_share_one_decorator(root):
    """Options are chosen in _compile.py, and are the same for all."""
    for path, tree in sources(root, "kernels"):
        used = {name.rpartition(".")[2] for name, _ in imports(path, tree) if "numba" in name}
        used |= {name for module, name in attributes(tree) if module in ("numba", "nb")}
        if path.stem != "_compile" and used & JIT:
            yield f"{path}: uses Numba's {', '.join(sorted(used & JIT))}"


def kernels_are_serial_and_keep_nan(root):
    for path, tree in sources(root, "kernels"):
        options = []
        for node in nodes(tree):
            if isinstance(node, ast.keyword):
                options.append((node.arg, node.value))
            elif isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                options += [(getattr(k, "value", None), v) for k, v in pairs]
        for name, value in options:
            if name == "parallel" and ast.unparse(value) != "False":
                yield f"{path}: parallel={ast.unparse(value)}"
            if name == "fastmath":
                flags = {getattr(flag, "value", None) for flag in getattr(value, "elts", [value])}
                if not flags <= SAFE_FASTMATH | {False}:
                    yield f"{path}: fastmath={ast.unparse(value)}"


def kernels_use_the_vector_forms(root):
    for path, tree in sources(root, "kernels"):
        for module, name in attributes(tree):
            if module in ("np", "numpy", "math") and name in SLOW:
                yield f"{path}: uses {module}.{name}"
        for name, _ in imports(path, tree):
            if re.fullmatch(rf"(numpy|math)\.({'|'.join(SLOW)})", name):
                yield f"{path}: imports {name}"


def kernels_neither_allocate_nor_raise(root):
    for path, tree in sources(root, "kernels"):
        for function in filter(is_jitted, functions(tree)):
            where = f"{path}: {function.name}"
            for module, name in attributes(function):
                if module in ("np", "numpy") and name in ALLOCATES:
                    yield f"{where} allocates with {module}.{name}"
            if any(isinstance(node, ast.Raise | ast.Assert) for node in nodes(function)):
                yield f"{where} raises"


def masks_stand_outside_the_loops_over_vectors(root):
    """Where a row is taken vector by vector, a mask is for what remains, once: see sweep.py."""
    for path, tree in sources(root, "kernels"):
        if path.stem in OF_PRODUCTS:
            continue
        for function in functions(tree):
            for call in masked_in_steps(function):
                yield f"{path}: {function.name} calls {call} for every vector"


def masked_in_steps(node, steps=False):
    """Yield the calls of load_first and store_first whose innermost loop walks in steps."""
    for child in ast.iter_child_nodes(node):
        inside = steps
        if isinstance(child, ast.While):
            inside = True
        elif isinstance(child, ast.For):
            inside = len(getattr(child.iter, "args", ())) == 3  # range(start, stop, step)
        if steps and isinstance(child, ast.Call):
            name = getattr(child.func, "id", None)
            if name in ("load_first", "store_first") and not isinstance(
                child.args[1], ast.Constant
            ):
                yield name
        yield from masked_in_steps(child, inside)


def kernels_return_nothing(root):
    for path, tree in sources(root, "kernels"):
        for function in filter(is_public_kernel, functions(tree)):
            values = [node.value for node in nodes(function) if isinstance(node, ast.Return)]
            # A kernel that may refuse its arguments returns whether it ran.
            answers = {True, False} if "exact" in decorators(function) else {None}
            if any(getattr(value, "value", value) not in answers for value in values):
                yield f"{path}: {function.name} returns a value"


def has_tests(root, word):
    """Whether a word has its test: a file, or a room of them."""
    tests = root / "tests"
    return (tests / f"test_{word}.py").is_file() or any((tests / word).glob("test_*.py"))


def one_word_opens_four_doors(root):
    for path, _ in sources(root, "kernels"):
        word = path.relative_to("kernels").with_suffix("").as_posix()
        if path.stem == "__init__":
            continue
        if word in TESTED_BY:
            if not (root / "tests" / TESTED_BY[word]).is_file():
                yield f"{path}: tests/{TESTED_BY[word]} is missing"
            continue
        if path.parts[1] in OF_ONE_WORD:
            word = path.parts[1]
        name = word.rpartition("/")[2]
        doors = [] if has_tests(root, name.lstrip("_")) else [f"tests/test_{name.lstrip('_')}.py"]
        if word not in TWINLESS:
            doors += [f"fastnet/reference/kernels/{name}.py"]
            doors += [f"asv_benchmarks/benchmarks/{name}.py"]
        yield from (f"{path}: {door} is missing" for door in doors if not (root / door).is_file())
    rooms = {path.parent for path in (root / "fastnet").glob("*/__init__.py")}
    rooms -= {root / "fastnet" / "kernels", root / "fastnet" / "reference"}
    for path in [*(root / "fastnet").glob("*.py"), *sorted(rooms)]:
        tested = path.stem.startswith("__") or has_tests(root, path.stem)
        doors = [] if tested else [f"tests/test_{path.stem}.py"]
        if path.stem in MIRRORED:
            twin = root / "fastnet" / "reference" / path.stem
            doors += [f"fastnet/reference/{path.stem}{'/__init__' * twin.is_dir()}.py"]
        yield from (
            f"fastnet/{path.name}: {door} is missing"
            for door in doors
            if not (root / door).is_file()
        )


def public_names_have_docstrings(root):
    for folder in ("fastnet", "kernels"):
        for path, tree in sources(root, folder):
            if not ast.get_docstring(tree):
                yield f"{path}: no docstring"
            for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
                for node in scope.body:
                    if not isinstance(node, ast.ClassDef | ast.FunctionDef):
                        continue
                    private = node.name.startswith("_") or getattr(scope, "name", "")[:1] == "_"
                    if not private and not ast.get_docstring(node):
                        yield f"{path}: {node.name} has no docstring"


def files_are_short(root):
    """At most 300 lines, which a reader holds in mind; LONG has the exceptions, five at most."""
    if len(LONG) > 5:
        yield "LONG has more than five files"
    for folder in ("fastnet", "kernels", "tests", "asv_benchmarks"):
        for path, text in texts(root, folder):
            lines = len(text.splitlines())
            if (lines > 300) != (path.as_posix() in LONG):
                yield f"{path}: {lines} lines"


def names_say_what_they_hold(root):
    for folder in ("fastnet", "kernels", "tests", "asv_benchmarks"):
        for path, text in texts(root, folder):
            if path.parts[2:3] in (("first",), ("second",)):  # scripts, in the books' words
                continue
            if path.stem.removeprefix("test_") in ("common", "config", "helpers", "misc", "utils"):
                yield f"{path}: a drawer, not a name"
            for name in re.findall(r"^ *def (_*(?:fast|opt|new)_(?!_)\w*|\w+v\d)\(", text, re.M):
                yield f"{path}: {name} names its history, not what it does"


def nobody_imports_the_folder_kernels(root):
    for folder in ("tests", "asv_benchmarks"):
        for path, text in texts(root, folder):
            if re.search(r"^ *(from|import) kernels\b", text, re.M):
                yield f"{path}: imports kernels, which is fastnet.kernels"


# --------------------------------------------------------------------------- of kernels themselves


def wrongly_documented(found):
    """Yield the kernels whose Parameters are not their arguments.

    They check nothing, so their docstring is all that a caller has. It is read from the kernel, as
    some are made by a function.
    """
    for kernel in found:
        text = inspect.cleandoc(kernel.__doc__ or "")
        section = text.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
        heads = [line.partition(" : ")[0] for line in section.splitlines() if line[:1].strip()]
        documented = [name for head in heads for name in head.split(", ")]
        if sorted(documented) != sorted(inspect.signature(kernel.py_func).parameters):
            yield kernel.__name__


def test_kernels_document_every_argument():
    found = [getattr(kernels, name) for name in kernels.__all__ if PUBLIC.search(name)]
    assert len(found) > 90
    assert list(wrongly_documented(found)) == []


def test_an_undocumented_argument_is_found():
    def foo_forward(x, out):
        """Foo.

        Parameters
        ----------
        x : (N,)
        """

    assert list(wrongly_documented([_compile.jit()(foo_forward)])) == ["foo_forward"]


# --------------------------------------------------------------------------- the rules hold

# Rule -> breaks that it must find: file, then text that is added to it (None: the file is removed).
RULES = {
    imports_run_downwards: [
        ("fastnet/functions/errors.py", "def f():\n    from fastnet.models import Sequential"),
        ("fastnet/layers/matmul.py", "from fastnet import optimizer"),
        ("fastnet/layers/matmul.py", "from .. import models"),
        ("fastnet/checks/arrays.py", "import fastnet.kernels"),
        ("fastnet/models/sequential.py", "import fastnet.reference"),
        ("fastnet/models/sequential.py", "import kernels"),
        ("fastnet/layers/matmul.py", "import scipy.special"),
        ("fastnet/plans.py", "pass"),
        ("fastnet/dropin/first.py", "import fastnet.cli"),
        ("fastnet/layers/matmul.py", "import fastnet.dropin.first"),
        ("fastnet/losses/base.py", "from fastnet import optimizer"),
    ],
    kernels_import_only_numba_numpy_and_themselves: [
        ("kernels/softmax.py", "from fastnet.checks import check"),
        ("kernels/softmax.py", "from .. import checks"),
        ("kernels/softmax.py", "import fastnet.kernels.simd"),
        ("kernels/softmax.py", "import os"),
    ],
    the_reference_imports_only_numpy_and_itself: [
        ("fastnet/reference/layers/nodes.py", "from fastnet.kernels import exp_forward"),
        ("fastnet/reference/layers/nodes.py", "from ... import checks"),
        ("fastnet/reference/kernels/softmax.py", "from scipy.special import softmax"),
    ],
    only_kernels_are_compiled: [
        ("fastnet/layers/matmul.py", "from numba import njit"),
        ("fastnet/models/sequential.py", "import numba\n@numba.njit\ndef f(): pass"),
        (
            "fastnet/models/sequential.py",
            "from fastnet.kernels._compile import jit\n@jit()\ndef f(): pass",
        ),
        ("fastnet/reference/models/history.py", "import numba\nf = numba.vectorize(abs)"),
    ],
    kernels_share_one_decorator: [
        ("kernels/softmax.py", "from numba import njit"),
        ("kernels/softmax.py", "import numba\nf = numba.njit(abs)"),
    ],
    kernels_are_serial_and_keep_nan: [
        ("kernels/_compile.py", "f = njit(parallel=True)"),
        ("kernels/_compile.py", "f = njit(fastmath=True)"),
        ("kernels/_compile.py", "options = {'fastmath': True}"),
        ("kernels/_compile.py", "f = njit(fastmath={'reassoc', 'nnan'})"),
    ],
    kernels_use_the_vector_forms: [
        ("kernels/softmax.py", "import numpy as np\ndef f(x): return np.exp(x)"),
        ("kernels/softmax.py", "from math import tanh"),
    ],
    kernels_neither_allocate_nor_raise: [
        ("kernels/softmax.py", "@jit(vector)\ndef f(x): y = np.zeros(3)"),
        ("kernels/softmax.py", "@jit()\ndef f(x): raise ValueError"),
        ("kernels/loss_family.py", "@entry(Loss)\ndef f(x): raise ValueError"),
        ("kernels/loop/train.py", "@jit()\ndef f(x): raise ValueError"),
    ],
    masks_stand_outside_the_loops_over_vectors: [
        ("kernels/softmax.py", "def f(p):\n for j in range(0, 9, 4): store_first(p, j, x, 4)"),
        ("kernels/softmax.py", "def f(p):\n for j in range(0, 9, 4): x = load_first(p, j, 4) + 1"),
        ("kernels/softmax.py", "def f(p):\n while True: x = load_first(p, j, 4)"),
    ],
    kernels_return_nothing: [
        ("kernels/softmax.py", "@jit()\ndef a_forward(x): return x"),
        ("kernels/softmax.py", "@jit()\ndef a_forward(x): return True"),
        ("kernels/checked/layers.py", "@exact\n@jit()\ndef a_forward(x): return x"),
    ],
    one_word_opens_four_doors: [
        ("fastnet/reference/kernels/softmax.py", None),
        ("asv_benchmarks/benchmarks/softmax.py", None),
        ("tests/test_softmax.py", None),
        ("tests/test_compile.py", None),
        ("tests/test_dots.py", None),
        ("fastnet/reference/kernels/differences.py", None),
        ("asv_benchmarks/benchmarks/train.py", None),
        ("kernels/loop/schedule.py", "pass"),
        ("tests/test_functions.py", None),
        ("tests/test_penalties.py", None),
        ("fastnet/reference/losses.py", None),
        ("kernels/fourier.py", "pass"),
    ],
    public_names_have_docstrings: [
        ("fastnet/layers/matmul.py", "def f(): pass"),
        ("fastnet/layers/matmul.py", "class A:\n    '''A.'''\n    def f(self): pass"),
        ("kernels/softmax.py", "@jit()\ndef f(): pass"),
    ],
    files_are_short: [
        ("fastnet/plans.py", "\n" * 301),
        ("kernels/simd/tiles.py", "\n" * 200),
        ("tests/test_dots.py", "\n" * 301),
    ],
    names_say_what_they_hold: [
        ("fastnet/utils.py", "pass"),
        ("tests/test_common.py", "pass"),
        ("kernels/softmax.py", "def fast_softmax(x): pass"),
        ("kernels/softmax.py", "def softmax_v2(x): pass"),
    ],
    nobody_imports_the_folder_kernels: [
        ("tests/test_softmax.py", "from kernels.softmax import softmax_forward"),
        ("asv_benchmarks/benchmarks/softmax.py", "import kernels"),
    ],
}
BREAKS = [(rule, *case) for rule, cases in RULES.items() for case in cases]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule, root):
    broken = list(rule(root))
    assert not broken, "\n".join(broken)


@pytest.fixture(scope="module")
def pristine(root, tmp_path_factory):
    """A copy of the tree: of all of it for the rule of doors, else of the files that are broken."""
    copy = tmp_path_factory.mktemp("architecture")
    for folder in ("fastnet", "kernels", "tests", "asv_benchmarks"):
        only_python = shutil.ignore_patterns("__pycache__", ".*", "*.npz", "env", "results", "html")
        shutil.copytree(root / folder, copy / "all" / folder, symlinks=True, ignore=only_python)
    for _, file, _ in BREAKS:
        (copy / "some" / file).parent.mkdir(parents=True, exist_ok=True)
        if (root / file).is_file():
            shutil.copy(root / file, copy / "some" / file)
    return copy


@cache
def found_before(rule, pristine):
    return set(rule(pristine))


@pytest.mark.parametrize(
    ("rule", "file", "text"), BREAKS, ids=[f"{rule.__name__}-{file}" for rule, file, _ in BREAKS]
)
def test_a_break_is_found(rule, file, text, pristine):
    tree = pristine / ("all" if rule is one_word_opens_four_doors else "some")
    path = tree / file
    before = path.read_text() if path.exists() else None
    found = found_before(rule, tree)
    try:
        if text is None:
            path.unlink()
        else:
            path.write_text(f"{before or ''}\n{text}\n")
        assert any(Path(file).stem in what for what in set(rule(tree)) - found)
    finally:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(before)
