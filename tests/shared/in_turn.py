"""Many small cases as one test: pytest takes 3 ms for each test of its own, most cases 0.3 ms."""

import copy
import functools
import inspect

import numpy as np
import pytest


def with_each(names, values):
    """Call a test with each of the values in turn, where `parametrize` makes a test of each.

    Of several names each value is a tuple. The case that fails is printed. Every case begins with
    the same random numbers; what else a fixture makes is shared by all of them. All are skipped or
    none: of some that are, nobody would see it.
    """
    keys = [name.strip() for name in names.split(",")]
    values = list(values)

    def looped(test):
        @functools.wraps(test)
        def loop(**given):
            assert values
            skipped = []
            for value in values:
                case = dict(zip(keys, value, strict=True)) if len(keys) > 1 else {names: value}
                fresh = {"rng": copy.deepcopy(given["rng"])} if "rng" in given else {}
                try:
                    test(**{**given, **fresh, **case})
                except pytest.skip.Exception as skip:
                    skipped.append((case, skip))
                except BaseException:
                    print(f"in the case {case}")
                    raise
            if skipped:
                assert len(skipped) == len(values), f"skipped of others: {skipped}"
                raise skipped[0][1]

        signature = inspect.signature(test)
        left = [p for p in signature.parameters.values() if p.name not in keys]
        assert len(left) == len(signature.parameters) - len(keys), f"no argument of {names}"
        loop.__signature__ = signature.replace(parameters=left)
        return loop

    return looped


every_dtype = with_each("dtype", [np.float32, np.float64])
every_dtype_name = with_each("dtype", ["float32", "float64"])
