"""Any layout gives the same bits and is not modified; results are fresh."""

import numpy as np
import pytest
from called_with import (
    ACTIVATIONS,
    CALLS,
    LAYOUTS,
    PRODUCTS,
    UPDATES,
    D,
    N,
    T,
    arrays,
    inputs,
    layer,
    weights,
)
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal

from fastnet import layers


@pytest.mark.usefixtures("dispatcher_confused")
@every_dtype
@with_each("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_any_layout_gives_the_same_bits_and_is_not_modified(name, layout, dtype):
    x, dout = inputs(dtype)
    given = LAYOUTS[layout](x), LAYOUTS[layout](dout)
    results = CALLS[name](*given, dtype)
    for result, expected in zip(results, CALLS[name](x, dout, dtype), strict=True):
        assert_array_equal(result, expected, strict=True)
        assert type(result) in (np.ndarray, dtype)
    for array, before in zip(given, (x, dout), strict=True):
        assert_array_equal(array, before)
    assert_array_equal(T, [0, 3, 1, 2, 2, 0])


@with_each("name", sorted(CALLS.keys() - UPDATES.keys()))
def test_lists_are_float64(name):
    x, dout = inputs()
    results = CALLS[name](x.tolist(), dout.tolist(), np.float64)
    for result, expected in zip(results, CALLS[name](x, dout, np.float64), strict=True):
        assert_array_equal(result, expected, strict=True)


@with_each("layout", LAYOUTS)
@every_dtype
def test_parameters_of_any_layout_are_kept_and_used(layout, dtype):
    x, dout = inputs(dtype)
    W, b = weights(dtype)
    plain = layers.Affine(W, b)
    tall = np.zeros((N, D), dtype)
    tall[:D] = W
    kept = LAYOUTS[layout](tall)[:D]  # sliced() makes N rows
    ours = layers.Affine(kept, b)
    assert ours.W is kept
    assert_array_equal(ours.forward(x), plain.forward(x), strict=True)
    assert_array_equal(ours.backward(dout), plain.backward(dout), strict=True)
    assert_array_equal(ours.dW, plain.dW, strict=True)
    assert_array_equal(kept, W)


@pytest.mark.parametrize("layout", ["Fortran", "sliced", "byte-swapped", "contiguous"])
def test_gradients_are_written_into_whatever_array_stands_in_grads(layout):
    x, dout = inputs()
    W, b = weights()
    plain, ours = layers.Affine(W, b), layers.Affine(W, b)
    mine = LAYOUTS[layout](np.zeros((N, D)))[:D]
    ours.grads[0] = mine
    for each in (plain, ours):
        each.forward(x)
        each.backward(dout)
        each.backward(dout)  # overwrites
    assert ours.dW is mine
    assert_array_equal(mine, plain.dW)


@with_each("name", CALLS)
def test_results_are_fresh(name):
    x, dout = inputs()
    first = arrays(CALLS[name](x, dout, np.float64))
    kept = [array.copy() for array in first]
    second = arrays(CALLS[name](x, dout, np.float64))
    every = [x, dout, *first, *second]
    for i, one in enumerate(every):
        assert not any(np.shares_memory(one, other) for other in every[:i])
    for array in second:
        array[...] = 99
    for array, before in zip(first, kept, strict=True):
        assert_array_equal(array, before)


@with_each("name", sorted(PRODUCTS | {"Softmax", "Dropout", "Rescaling", *ACTIVATIONS}))
def test_one_layer_returns_another_array_at_every_call(name):
    made = []

    def spy(make):
        def call(dtype):
            made.append(make(dtype))
            return made[-1]

        return call

    # The call closes over the function that makes the layer.
    make = CALLS[name].__closure__[0].cell_contents
    layer(spy(make))(*inputs(), np.float64)
    x, dout = inputs()
    outs = [made[0].forward(x), made[0].forward(x)]
    gradients = [made[0].backward(dout), made[0].backward(dout)]
    every = [x, dout, *outs, *gradients, *made[0].params, *made[0].grads]
    for i, one in enumerate(every):
        assert not any(np.shares_memory(one, other) for other in every[:i])
