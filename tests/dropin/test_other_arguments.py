"""What a call is given that is not as in the examples: the answer is the script's own, or an error.

Every argument of the first call of an example is another, one at a time, and then all of all calls.
A kernel that took what it cannot take would give other numbers, or read behind an array.
"""

import importlib
from functools import partial
from itertools import product

import numpy as np
import pytest
from books_classes import imported, names_in_file, own_of
from books_sequences import forget

from fastnet.dropin.examples import EXAMPLES, outcome
from fastnet.dropin.known import KNOWN


class Plain(np.ndarray):
    """A subclass, which no kernel takes."""


STEP = {"i": 9, "f": np.float32(1)}  # labels leave their range
CHANGES = {
    "float64": lambda a: a.astype(np.float64),
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "whole numbers": lambda a: a.astype(np.int64),
    "bytes": lambda a: np.abs(a).astype(np.uint8),
    "yes and no": lambda a: a.astype(bool),
    "a subclass": lambda a: a.view(Plain),
    "the first alone": lambda a: a[0],
    "one axis more": lambda a: a[np.newaxis],
    "none": lambda a: a[:0],
    "one row": lambda a: a[:1],
    "fewer rows": lambda a: a[:-1],
    "more rows": lambda a: np.concatenate([a, a]),
    "fewer columns": lambda a: a[..., :-1],
    "more columns": lambda a: np.concatenate([a, a], axis=-1),
    "a list": lambda a: a.tolist(),
    "in the other order": lambda a: a.copy("F"),
    "every second of a larger": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "less": lambda a: a - STEP[a.dtype.kind],
    "more": lambda a: a + STEP[a.dtype.kind],
}

ALL = -1  # arguments, of all calls
FORMS = ["float16", "float32", "whole numbers", "a subclass", "in the other order"]
MADE_OF_ARRAYS = {"Affine": "W b", "MatMul": "W", "Embedding": "W", "Convolution": "W b"}
# Bytes of a number -> of the largest. A layer of float32 that is given a gradient of float64
# answers in that, with what float32 rounds: 1.2e-7 was seen.
EXACT = {2: 1e-3, 4: 1e-5, 8: 2.5e-7}


def places(folder):
    """Yield the module and name of all that a book of the tests has of what is known."""
    for path in sorted([*folder.glob("*/*.py"), *folder.glob("two_layer_net.py")]):
        module = path.relative_to(folder).with_suffix("")
        yield from ((".".join(module.parts), name) for name in names_in_file(path))


def changed(argument, change):
    """Return an array that is another; of a dict or list of them, in it, the first."""
    if isinstance(argument, np.ndarray):
        return change(argument)
    if isinstance(argument, (dict, list)):
        key = next(iter(argument)) if isinstance(argument, dict) else 0
        if isinstance(argument[key], np.ndarray):
            argument[key] = change(argument[key])
    return argument


def with_another(known, method, place, what):
    """Return a class or a function of whose first call one argument is another, or all of all."""
    calls = []

    def other(call, args):
        calls.append(args)
        another = [
            changed(argument, CHANGES[what])
            if place == ALL or (place, len(calls)) == (i, 1)
            else argument
            for i, argument in enumerate(args)
        ]
        return call(*another)

    if method == "now":
        return lambda *args: other(known, args)
    return type(
        known.__name__,
        (known,),
        {method: lambda self, *args: other(getattr(super(type(self), self), method), args)},
    )


def numbers(value, path=""):
    """Yield the path and array of all that are in lists, dicts and objects; and of what is None."""
    if isinstance(value, (list, tuple)):
        yield f"{path} length", np.array(len(value))
        value = dict(enumerate(value))
    elif hasattr(value, "__dict__") and not callable(value) and not isinstance(value, np.ndarray):
        value = vars(value)
    if isinstance(value, dict):
        for key, each in value.items():
            yield from numbers(each, f"{path}.{key}")
    elif not callable(value):
        yield path, np.asarray(value)


def answer(name, known):
    with np.errstate(all="ignore"):
        try:
            return dict(numbers(outcome(EXAMPLES[name], known)))
        except Exception as error:
            return error


def assert_same(ours, theirs, where):
    """Both are errors, or the same numbers, to the rounding of sums.

    Those of kernels may have more, such as room for the next step.
    """
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        assert isinstance(ours, Exception) and isinstance(theirs, Exception), (where, ours, theirs)
        return
    for path, wanted in theirs.items():
        found, said = ours[path], f"{where}: {path}"
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype), said
        if np.array_equal(found, wanted):  # in a fifth of the time
            continue
        if wanted.dtype.kind == "f":
            exact = EXACT[wanted.dtype.itemsize]
            largest = max(1, np.abs(np.nan_to_num(wanted)).max(initial=0))
            assert np.allclose(found, wanted, 0, exact * largest, equal_nan=True), said
        else:
            raise AssertionError(said)


def own_function(function):
    """Return the script's own function that fastnet's stands before."""
    cells = [cell.cell_contents for cell in function.__closure__]
    (own,) = [cell.now.__kwdefaults__["own"] for cell in cells if hasattr(cell, "now")]
    return own


@pytest.mark.parametrize("edition", ["first", "second"])
def test_answers_are_the_scripts_own(edition, root, monkeypatch):
    folder, seen = root / "tests" / "dropin" / edition, 0
    for module, name in places(folder):
        if name == "SGD":
            continue  # fastnet's takes dicts and lists in either book
        with imported(folder, monkeypatch, True):
            forget()
            known = vars(importlib.import_module(module))[name]
            answer(name, known)  # kernels come at the first call
            methods = KNOWN[name].methods or {"now": KNOWN[name].arguments}
            if name in MADE_OF_ARRAYS:
                methods = {"__init__": MADE_OF_ARRAYS[name], **methods}
            own = own_of(known) if KNOWN[name].methods else own_function(known)
            for method, arguments in methods.items():
                whats = FORMS if method == "__init__" else CHANGES
                for place, what in product([*range(len(arguments.split())), ALL], whats):
                    another = partial(with_another, method=method, place=place, what=what)
                    where = f"{name}.{method}: argument {place}: {what}"
                    assert_same(answer(name, another(known)), answer(name, another(own)), where)
                    seen += 1
            forget()
    assert seen > 500
