"""The command that breaks the code: what it may change, and whose tests it asks."""

import ast
import importlib.util
from pathlib import Path

import pytest

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
    assert asked[0].startswith("tests/threads/") and "tests/models/test_heads.py" in asked
    assert mutants.tests_of(Path("kernels/loop/branches.py"))[0] == "tests/models/test_heads.py"


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


def test_a_change_leaves_kernels_alone_that_do_not_import_it():
    stale = mutants.stale_names(Path("kernels/gates.py"))
    assert stale("gelu_forward") and stale("_sigmoid_and_slope")
    assert not stale("relu_forward") and not stale("train_epochs")
    assert mutants.stale_names(Path("kernels/tiles.py"))("train_epochs")
    assert mutants.stale_names(Path("kernels/simd/memory.py"))("relu_forward")
    assert not mutants.stale_names(None)("relu_forward")
