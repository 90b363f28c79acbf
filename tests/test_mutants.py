"""The command that breaks the code: what it may change, and whose tests it asks."""

import ast
import importlib.util
from pathlib import Path

import pytest
from in_turn import with_each

SPEC = importlib.util.spec_from_file_location("mutants", Path(__file__).with_name("mutants.py"))
mutants = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutants)


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a + b", ["a - b"]),
        ("é + b * 2", ["é - b * 2", "é + b / 2", "é + b * 3"]),
        ("a <= b != c", ["a < b != c", "a <= b == c"]),
        ("a and b and c", ["a or b and c", "a and b or c"]),
        ("x if not y else -1", ["x if not (not y) else -1", "x if  y else -1"]),
        ("a is None", ["a is not None"]),
        ("f(0.5)", ["f(1.5)"]),
    ],
)
def test_what_may_stand_in_place_of_a_source(source, changed):
    found = [source[:start] + text + source[end:] for start, end, text in mutants.mutations(source)]
    assert set(changed) <= set(found)
    for text in found:
        ast.parse(text)
        assert text != source


def test_the_tests_of_a_word_come_first():
    assert mutants.tests_of(Path("kernels/updates.py"))[0] == "tests/test_updates.py"
    asked = mutants.tests_of(Path("fastnet/threads.py"))
    assert asked[0].startswith("tests/threads/") and "tests/models/test_measures.py" in asked
    assert mutants.tests_of(Path("kernels/loop/branches.py"))[0] == "tests/models/test_heads.py"
    twins = mutants.tests_of(Path("fastnet/reference/kernels/train.py"))  # of loop/train.py
    assert "tests/train/test_small.py" in twins
    asked = mutants.tests_of(Path("fastnet/models/exchange.py"))
    assert "tests/interchange/test_pytorch.py" in asked  # of what its class can do


def test_tests_that_say_most_of_the_function_come_first():
    path = Path("fastnet/checks/convolution.py")
    source = (mutants.ROOT / path).read_text(encoding="utf-8")
    function = mutants.function_at(source, source.index("groups: int"))
    assert function.count("def ") == 1 and function.endswith(")")
    assert mutants.function_at(source, 0) == source
    asked = mutants.tests_of(path, function)
    assert {*mutants.tests_of(path)} <= {*asked} and len({*asked}) == len(asked)
    words = {"first": {"groups"}, "second": {"groups", "filters"}}
    told = mutants.told_by([*words], words, {"groups", "filters", "of"})
    assert told == {"first": 0.5, "second": 1.5}


@with_each(
    "path, text, stale, kept",
    [
        # what names it, and what names that
        ("gates.py", "kernel", "gelu_forward gelu_in_loop", "relu_forward train_epochs gemm"),
        ("loop/gather.py", "    for ", "train_epochs predict_rows", "gemm"),
        # callers of shared functions keep their code, unless a result comes back
        ("gemm.py", "    if ", "gemm", "matmul_forward train_epochs"),
        ("tiles.py", "parts > 1", "gemm affine_backward", "matmul_forward train_epochs"),
        ("sparse.py", "return rows", "sparse_backward_params backward_params", "gelu_forward"),
        # an operator of vectors is named by nobody
        ("simd/arithmetic.py", "getattr(builder", "gelu_forward gemm train_epochs", ""),
        ("_compile.py", "Kernel(function, signatures)", "gelu_forward train_epochs", "gemm"),
        ("_lower.py", "return ", "gelu_forward gemm train_epochs", ""),
        ("_folders.py", "_HOUR = ", "", "gelu_forward gemm train_epochs"),
    ],
)
def test_a_change_leaves_kernels_alone_that_do_not_name_it(path, text, stale, kept):
    source = (mutants.ROOT / "kernels" / path).read_text(encoding="utf-8")
    line = source.count("\n", 0, source.index(text)) + 1
    found = mutants.stale_names(Path("kernels") / path, line)
    assert all(map(found, stale.split())) and not any(map(found, kept.split()))
    assert not mutants.stale_names(None)("gelu_forward")


def test_what_comes_out_of_the_cache_calls_what_is_compiled_anew(tmp_path):
    """Else the processes of tests would die of the first call of a shared function."""
    (tmp_path / "kernels").mkdir()
    file = tmp_path / "kernels" / "_pipeline.py"
    file.write_text((mutants.ROOT / "kernels" / file.name).read_text(encoding="utf-8"))
    for _ in range(2):
        mutants.keep_symbols(tmp_path, "0123456789abcdef")
        assert '_MADE_FOR = f"0123456789abcdefx{BITS}' in file.read_text()
