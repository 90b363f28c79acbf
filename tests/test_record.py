"""The network as records: NumPy's twin writes what the compiled loop reads."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import kernels, reference
from fastnet.kernels.loop import record
from fastnet.kernels.loop.record import LAYER, PROGRAM, layer_at, padded, program_type
from fastnet.reference.kernels import record as twin
from fastnet.reference.kernels.record import dense_layers, layers_of, program_of


@pytest.mark.parametrize("name", ["LAYER", "PROGRAM"])
def test_both_sides_have_the_same_records(name):
    ours, theirs = getattr(record, name), getattr(twin, name)
    assert ours == theirs and ours.fields == theirs.fields
    floats = [field for field in ours.names if ours[field] == np.float64]
    assert floats == (["x_scale", "x_offset"] if name == "PROGRAM" else [])
    assert all(ours[field] == np.int64 for field in ours.names if field not in floats)
    assert ours.itemsize == 8 * len(ours.names)  # without gaps


def test_a_program_is_what_the_kernels_take():
    programs = program_of(layers_of([(3, 2, 0, -1, kernels.TANH)]))
    assert numba.typeof(programs) == program_type
    assert programs.shape == (1,) and programs.flags.carray


@numba.njit
def fields_of(layers, i):
    layer = layer_at(layers, i)
    return (
        layer.inputs, layer.outputs, layer.weight, layer.bias, layer.activation, layer.forward,
        layer.backward, layer.count, layer.state, layer.row_scratch, layer.scratch, layer.whole,
        layer.frozen, layer.gradient, layer.own, layer.steps, layer.decays,
    )  # fmt: skip


def test_records_are_read_by_address():
    layers = layers_of(np.arange(3 * len(LAYER.names)).reshape(3, -1))
    for i, layer in enumerate(layers):
        assert fields_of(layers.ctypes.data, i) == tuple(layer)


def test_dense_layers_follow_each_other_in_params():
    layers, size = dense_layers((3, 4, 2), (kernels.RELU, kernels.IDENTITY))
    assert size == 3 * 4 + 4 + 4 * 2 + 2
    assert_array_equal(layers["inputs"], [3, 4])
    assert_array_equal(layers["outputs"], [4, 2])
    assert_array_equal(layers["weight"], [0, 16])
    assert_array_equal(layers["bias"], [12, 24])
    assert_array_equal(layers["activation"], [kernels.RELU, kernels.IDENTITY])
    assert not layers[list(LAYER.names[5:])].tolist()[0][0]


def test_a_program_keeps_its_layers():
    """It has their address, and whoever holds the program need not hold them."""
    numbers = np.zeros(3)
    programs = program_of(
        dense_layers((3, 4), [kernels.RELU])[0], kernels.MEAN_SQUARED_ERROR, seed=7, states=numbers
    )
    given = dict(zip(PROGRAM.names, programs[0], strict=True))
    assert given.pop("layers") == programs.base["layers"].ctypes.data
    assert (given.pop("depth"), given.pop("loss")) == (1, kernels.MEAN_SQUARED_ERROR)
    assert (given.pop("seed"), given.pop("states")) == (7, numbers.ctypes.data)
    assert given.pop("x_scale") == 1 and np.signbit(given["x_offset"])
    assert set(given.values()) == {0}
    assert fields_of(programs["layers"][0], 0)[:5] == (3, 4, 0, 12, kernels.RELU)
    own = layers_of([(5, 6, 0, -1, 0)])
    assert program_of(own, layers=own)["layers"] == own.ctypes.data


def test_the_twin_reads_layers_where_they_are():
    own = layers_of([(5, 6, 0, -1, 0), (6, 7, 30, -1, 0)])
    programs = program_of(own, layers=own)
    own["outputs"] = 8
    assert reference.kernels.work_size(programs, 3) == 2 * 3 * (8 + 8)


@numba.njit
def padded_(count):
    return padded(count)


@pytest.mark.parametrize(("count", "size"), [(0, 0), (1, 16), (16, 16), (17, 32)])
def test_buffers_start_on_cache_lines(count, size):
    assert padded_(count) == size
    programs = program_of(layers_of([(count, count, -1, -1, 0)]))
    # Input, output, gradient; a loss; and what lies before the first line. Of one sample at a time
    # all inputs, outputs and gradients, of two samples; a vector; and the same.
    assert kernels.work_size(programs, 2) == 3 * padded_(2 * count) + 16 + 16
    assert kernels.work_size(programs, 1) == 6 * size + 16 + 16
