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
    assert "tests/loop/test_every_loss_and_optimizer.py" in mutants.tests_of(
        Path("fastnet/threads.py")
    )
