"""No read or write leaves an operand: each lies between two pages that nobody may touch.

Behind the last row of a matrix stands nobody's memory, and most loops read whole vectors. So every
product, every kernel of rows and the compiled loop run on operands that end where a page does, and
on operands that begin there, at every size where a tile, a strip, a block or a vector ends.
"""

import ctypes
import itertools
import mmap
import os
import re
import sys
from pathlib import Path

import children
import numba
import numpy as np
import pytest
import recurrences
from by_address import call
from numba.np.numpy_support import as_dtype

from fastnet import kernels, warmup
from fastnet.kernels import (
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    blocking,
    checked,
    shallow,
    sparse,
)
from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.geometry import geometry_of
from fastnet.kernels.loop import sparse as loop_sparse
from fastnet.kernels.loop.record import FLOAT32, FLOAT64, UINT8
from fastnet.kernels.simd import BITS, get, pointer
from fastnet.reference.kernels.record import dense_layers, layers_of, program_of

# Products, and what calls them.
PRODUCTS = re.compile("affine_(?!sgd_)|matmul_|convolution_(?!.*in_loop)|train_|predict_|central_")
MEGABYTE = 2**20


class Fences:
    """Memory between pages that nobody may touch, in turn for one array after another."""

    def __init__(self, count, size):
        self.page = mmap.PAGESIZE
        self.end = (-(-size // self.page) + 1) * self.page
        self.maps = [mmap.mmap(-1, self.end + self.page) for _ in range(count)]
        self.used, self.where = 0, "end"
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for memory in self.maps:
            first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            for address in (first, first + self.end):
                assert protect(ctypes.c_void_p(address), ctypes.c_size_t(self.page), 0) == 0

    def fill(self, value, dtype):
        for memory in self.maps:
            size = (self.end - self.page) // np.dtype(dtype).itemsize
            np.ndarray(size, dtype, memory, self.page)[...] = value

    def array(self, *shape, dtype):
        """Return an array in the next of the memories, which ends or begins where a page does."""
        memory = self.maps[self.used]
        self.used += 1
        size = np.dtype(dtype).itemsize
        for length in shape:
            size *= length
        assert size <= self.end - self.page
        return np.ndarray(
            shape, dtype, memory, self.page if self.where == "start" else self.end - size
        )

    def copy(self, array):
        copied = self.array(*array.shape, dtype=array.dtype)
        copied[...] = array
        return copied


# --------------------------------------------------------------------------- products


def sizes_of_products(step):
    """Yield rows, columns and terms of products with vectors of `step` numbers.

    In turn: every edge of the tiles; dot products; rows of the transpose, at its edges; a panel's
    and a block's edges; copied strips, without gaps and not; copied tiles; products of few terms,
    and of few rows, all columns at once; tiles of one row; sums of rows.
    """
    strip = blocking.STRIP * step
    tall = max(blocking.TALL_1, blocking.TALL_2, blocking.TALL_3)
    rows, columns = range(2 * tall + 2), range(2 * strip + 2)
    yield from itertools.product(rows, columns, (0, 1, 2, 3, 4, 9))
    yield from itertools.product(rows, columns[:: max(1, step // 4)], range(5, 2 * step + 2))
    deep = blocking.DOT_DEPTH
    narrow = (*range(1, step), *range(strip + 1, strip + step))
    yield from itertools.product(rows, narrow, (50, deep - 1, deep, deep + 1))
    turned = blocking.TURNED
    some = (*range(1, tall + 2), *range(turned - 1, turned + tall + 2))
    yield from itertools.product(some, narrow, (32, blocking.DEPTH + 1))
    depths = (blocking.DEPTH - 1, blocking.DEPTH, blocking.DEPTH + 1, blocking.DEPTH + step + 1)
    yield from itertools.product((1, 4, 5, 13), columns, depths)
    edges = range(strip + 1, 2 * strip + 2)
    for more in rows:
        for size in edges:
            yield blocking.PACK_ROWS + more, size + strip, blocking.DEPTH + size % 2
            yield (
                blocking.COPY_ROWS + more,
                blocking.COPY_COLUMNS * step + size,
                blocking.LONG + size % 2,
            )
            yield blocking.SMALL_ROWS + more, size, 13
        yield blocking.PACK_ROWS + more, 5 * strip + 64 * (more % 4), blocking.DEPTH
    few, wide = blocking.SHALLOW_COLUMNS * step, shallow.WIDTH * step
    sizes = (*range(few, few + step + 1), wide - 1, *range(wide, wide + step + 2))
    terms = range(1, 3 * blocking.SHALLOW // 2 + 2)
    yield from itertools.product((1, 2, 3, blocking.SHALLOW_ROWS, 9), sizes, terms)
    for size in (*range(5 * step, 13 * step + 2), *sizes, 2 * wide + 1):
        yield from ((1, size, 13), (1, size, 257), (2, size, 17), (5, size, 9))
    yield from itertools.product((1,), range(2 * strip + 2, 10 * step), rows)


def call_products(fences, dtype, rows, columns, terms, code):
    """Call the products that are (rows, columns) and sums of so many terms."""

    def array(*shape):
        return fences.array(*shape, dtype=dtype)

    fences.used, one = 0, dtype(1)
    x, W, b, out = array(rows, terms), array(terms, columns), array(columns), array(rows, columns)
    kernels.affine_forward(x, W, b, code, out)
    kernels.matmul_forward(x, W, out)
    ran = checked.affine_layer_forward(x, W, b, code, out)
    assert ran == (rows * columns * terms > 0)
    dx, dout = array(rows, terms), array(rows, columns)
    dW, db = array(terms, columns), array(columns)
    kernels.matmul_backward(x, W, dout, dx, dW)
    kernels.affine_backward(x, W, dout, dx, dW, db)
    assert checked.affine_layer_backward(x, W, dout, dx, dW, db) == ran
    fences.used = 0
    dout, W = array(rows, terms), array(columns, terms)
    x, dx = array(rows, columns), array(rows, columns)
    kernels.affine_backward_input(dout, W, x, code, dx)
    fences.used = 0
    x, dout = array(terms, rows), array(terms, columns)
    dW, db = array(rows, columns), array(columns)
    kernels.affine_backward_params(x, dout, dW, db)
    kernels.affine_backward_sgd_update(x, dout, one, dW, db)


def call_sparse_products(fences, dtype):
    """Those that skip zeros: all columns of the tiles, groups of rows and parts of lists."""
    step = BITS // 8 // np.dtype(dtype).itemsize
    least = sparse.LEAST_SIZE // sparse.LEAST_ROWS
    rows = itertools.cycle(range(sparse.LEAST_ROWS, sparse.LEAST_ROWS + 9))
    inputs = itertools.cycle(range(least, least + max(4, step) + 1))
    more = [(sparse.TERMS + n, least + 3 * n, 3 * step - n % 2) for n in (-1, 0, 1, step, step + 1)]
    columns = range(sparse.LEAST_VECTORS * step, 2 * sparse.STRIP * step + 2)
    for n, d, m in [*zip(rows, inputs, columns, strict=False), *more]:
        x = np.zeros((n, d), dtype)
        x[::3, ::50] = x[:, -1] = 1  # the last term is listed: its row of W is the last one
        x[-1] = np.arange(d) % 9 == 0
        for fences.where in ("end", "start"):
            fences.used = 0
            x, W, b = fences.copy(x), *(fences.array(*k, dtype=dtype) for k in ((d, m), (m,)))
            out = fences.array(n, m, dtype=dtype)
            W[...] = 1
            kernels.affine_forward(x, W, b, 0, out)
            out[...] = 1
            kernels.affine_backward_params(x, out, W, b)
            rows, weights, bias, results = (array.ctypes.data for array in (x, W, b, out))
            W[...] = 1
            call(loop_sparse.forward, n, d, m, rows, weights, bias, results, dtype(0))
            out[...] = 1
            numbers = n, d, m, rows, d, results, 1, weights, dtype(-0.5)
            call(loop_sparse.backward_params, *numbers)


def sizes_of_convolutions(step):
    """Yield images, their sides, kernels, channels and filters, and how windows move.

    Every number of channels and filters up to two strips; then every edge of the tiles' rows.
    """
    moves = itertools.cycle([
        ((1, 1), (1, 1), 0, 1), ((1, 1), (1, 1), 1, 1), ((2, 1), (1, 1), 0, 1),
        ((1, 1), (2, 1), 3, 1), ((1, 2), (1, 2), 2, 1), ((3, 3), (1, 1), 0, 1),
    ])  # fmt: skip
    for size in range(1, 2 * blocking.STRIP * step + 2):
        for channels, filters in ((size, 1 + size % 7), (1 + size % 5, size), (size, size)):
            yield 3, (6, 5), (1 + size % 3, 1 + size % 4), channels, filters, next(moves)
    for side in range(3, 16):
        yield 2, (side, 3), (3, 3), 3, step + 1, next(moves)
        yield 1, (3, side), (2, 3), step - 1, 3, next(moves)
    for groups in (2, 3, step + 1):
        yield 2, (5, 7), (2, 2), 2 * groups, 3 * groups, ((1, 1), (1, 1), 1, groups)
        yield 2, (5, 7), (2, 2), groups, groups, ((2, 1), (1, 1), 0, groups)
        yield 2, (5, 7), (3, 2), groups, groups, ((1, 1), (2, 1), 2, groups)


def call_convolutions(fences, dtype):
    """Call a convolution's kernels, whose scratch is as large as they say."""
    step = BITS // 8 // np.dtype(dtype).itemsize
    cases = itertools.product(sizes_of_convolutions(step), ("end", "start"))
    for number, (case, fences.where) in enumerate(cases):
        n, image, kernel, c, m, (strides, dilation, pad, groups) = case
        out = [
            (size + 2 * pad - (k - 1) * d - 1) // s + 1
            for size, k, s, d in zip(image, kernel, strides, dilation, strict=True)
        ]
        if min(out) < 1:
            continue
        g = geometry_of((*image, c), (*kernel, m), strides, dilation, (pad, pad), out, groups)
        fences.used = 0
        numbers = fences.copy(np.array(g, np.int64))
        shapes = (n, *image, c), (n, *out, m), (*kernel, c // groups, m), (m,), (scratch_size(g),)
        x, result, W, b, work = (fences.array(*shape, dtype=dtype) for shape in shapes)
        kernels.convolution_forward(x, W, b, numbers, number % 4, work, result)
        kernels.convolution_backward_input(result, W, numbers, work, x)
        kernels.convolution_backward_params(x, result, numbers, work, W, b)


# --------------------------------------------------------------------------- the compiled loop


def call_the_loop(fences, dtype):
    """Train, predict and differentiate, on rows of any kind; with batches of one, and of more."""
    step = BITS // 8 // np.dtype(dtype).itemsize
    kinds = {np.float32: FLOAT32, np.float64: FLOAT64, np.uint8: UINT8}
    for size in range(1, 2 * blocking.STRIP * step + 2):
        n, d, h, m = 1 + size % 9, size, 1 + 3 * size % (2 * step + 1), 1 + 5 * size % (step + 2)
        at = (d + 1) * h
        # With a layer that has no W; and of dense layers alone, where a batch of one is an update.
        mixed = [(d, h, 0, d * h, 1), (h, h, -1, -1, 2), (h, m, at, -1, 3)]
        stacks = (layers_of(mixed), at + h * m), dense_layers((d, h, m), (1, 3))
        for (stack, count), batch, fences.where in itertools.product(
            stacks, (1, 4, 64), ("end", "start")
        ):
            fences.used = 0
            layers, params = fences.copy(stack), fences.copy(np.full(count, 0.01, dtype))
            one, other = (
                fences.copy(program_of(stack, loss, layers=layers))
                for loss in (SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR)
            )
            work = fences.array(kernels.work_size(one, batch), dtype=dtype)
            order, rows = fences.copy(np.array([np.arange(n)] * 2)), fences.copy(np.arange(n))
            labels, totals = fences.copy(np.arange(n) % m), fences.array(2, 3, dtype=np.float64)
            alone = fences.copy(np.zeros(1, np.int64))
            targets, prediction = (fences.copy(np.ones((n, m), dtype)) for _ in range(2))
            none, nothing = np.empty(0, np.int64), np.empty((0, 0), dtype)
            used = fences.used
            for number, kind in kinds.items():
                fences.used = used
                data = fences.copy(np.ones((n, d), number))
                row = data.ctypes.data, kind, data.strides[0]
                for programs, some, target in ((one, labels, nothing), (other, none, targets)):
                    kernels.train_epochs(
                        *row, some, target, order, batch, params, programs, dtype(0.001), True,
                        work, totals, alone, 0,
                    )  # fmt: skip
                    assert (totals[:, 2] == -(-n // batch)).all()
                kernels.predict_rows(*row, rows, params, one, work, batch, prediction, alone, 0)
            if dtype == np.float64 and size <= 2 * step + 1:
                x, steps = data.astype(dtype), np.full(params.size, 2.0**-17)
                fences.used = used
                x, steps = fences.copy(x), fences.copy(steps)
                work = fences.array(2 * kernels.work_size(one, n), dtype=dtype)
                grad = fences.array(params.size, dtype=dtype)
                kernels.central_differences(
                    x, labels, nothing, params, one, False, steps, 0, params.size, work, grad,
                    alone, 0,
                )  # fmt: skip


# --------------------------------------------------------------------------- kernels of rows


def call_checked(fences):
    """Kernels that see to their arguments themselves: all must run."""
    step = BITS // 8 // 4
    for kernel, types in warmup.versions():
        if not kernel.__module__.startswith(checked.__name__) or PRODUCTS.match(kernel.__name__):
            continue
        if kernel.__name__ == "weighted_loss":  # goes by addresses, as the loop does
            continue
        for size in range(1, 2 * step + 2):
            n, d, h, m = 1 + size % 4, 1 + 3 * size % (2 * step), size, 1 + 7 * size % (2 * step)
            shapes = {
                "x": (n, d), "y": (n, m), "hidden": (n, h), "labels": (n,), "loss": (1,),
                "W1": (d, h), "W2": (h, m), "W3": (m, d), "b1": (h,), "b2": (m,), "b3": (d,),
                "W": (h, m), "b": (m,), "work": (n * (h + m) + 1,),
            }  # fmt: skip
            if kernel.__name__ == "softmax_with_loss_forward":
                shapes["x"] = (n, m)
            names = kernel.py_func.__code__.co_varnames[: len(types)]
            for fences.where in ("end", "start"):
                fences.used, arguments = 0, []
                for name, kind in zip(names, types, strict=True):
                    if not hasattr(kind, "ndim"):
                        arguments.append({"low": 0.0, "high": 1.0, "lr": 0.5}.get(name, m))
                        continue
                    known = name if name in shapes else name.removeprefix("d")
                    shape = shapes.get(known, (n, m)[: kind.ndim])
                    array = fences.array(*shape, dtype=as_dtype(kind.dtype))
                    array[...] = 0
                    if kernel.__name__ == "one_hot_labels" and name == "t":
                        array[:, -1] = 1
                    arguments.append(array)
                assert kernel(*arguments), kernel.__name__


def call_kernels_of_rows(fences, work):
    """1 to twice a vector's elements a row, and more."""
    for kernel, types in warmup.versions():
        name = kernel.__name__
        if PRODUCTS.match(name) or name not in work.KERNELS:
            continue
        letters, step = work.KERNELS[name].sizes.split(), BITS // 8 // 4
        if letters == ["N", "T", "D", "H"]:
            continue  # in test_recurrences_stay_inside
        for columns in [*range(1, 2 * step + 2), 3 * step - 1]:
            rows = (1, 2, 3, 5)[columns % 4]
            shape = {"N C": (rows, columns), "N D": (rows, columns), "P": (rows * columns,)}
            shape |= {"N V H": (rows, 3, columns), "N T S H": (2, rows, 1 + rows % 3, columns)}
            shape |= {"V H N": (3, columns, rows), "A B C": (2, rows, columns)}
            shape |= {"N H C K": (rows, 1 + columns % 7, 1 + columns % 3, 3)}
            shape |= {"V N": (columns, rows)}
            shape |= {"N H W C": (2, rows + 1, 5, columns)}
            sizes = work.sizes_of(name, shape[" ".join(letters)])
            arguments = list(work.arguments_of(name, sizes, types).values())
            for fences.where in ("end", "start"):
                fences.used = 0
                kernel(*[
                    fences.copy(value) if hasattr(value, "nbytes") and value.ndim else value
                    for value in arguments
                ])  # fmt: skip


def call_the_sampler(fences):
    """Few words, of which many are drawn twice, and uniform numbers that end anywhere."""
    for words, size, stop in itertools.product((2, 3, 7, 16), (1, 2, 6), range(40)):
        p = np.linspace(1, 2, words) / np.linspace(1, 2, words).sum()
        target, uniform = np.arange(5) % words, np.random.default_rng(stop).random(stop)
        arrays = np.cumsum(p), p, target, uniform, np.zeros(3, np.int64)
        for fences.where in ("end", "start"):
            fences.used = 0
            sample = fences.array(5, min(size, words - 1), dtype=np.int64)
            kernels.unigram_sampler_forward(*map(fences.copy, arrays), sample)


# --------------------------------------------------------------------------- children


def run(*words, **environment):
    """Run this file in a child of this process, which dies of one read outside."""
    done = children.run([sys.executable, __file__, *words], env={**os.environ, **environment})
    return done.returncode, done.stdout.split(), done.stderr[-2000:]


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="mprotect")
PARTS = ["float32", "float64", "sparse", "convolution", "loop"]


@pytest.mark.parametrize("part", [*PARTS, "rows"])
def test_no_kernel_leaves_its_operands(root, part):
    code, printed, errors = run(part, str(root))
    assert (code, printed) == (0, ["done"]), errors


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("bits", [128, 256])
def test_no_kernel_of_other_vectors_leaves_its_operands(root, kernel_cache, bits, part):
    """Their tiles are others, and so is what they do without masks."""
    if "FASTNET_VECTOR_BITS" in os.environ or bits >= BITS:
        pytest.skip(f"this run has vectors of {BITS} bits")
    setting = {"FASTNET_VECTOR_BITS": str(bits), "NUMBA_CACHE_DIR": kernel_cache(f"{bits} bits")}
    code, printed, errors = run(part, str(root), **setting)
    assert (code, printed) == (0, ["done"]), errors


@pytest.mark.parametrize("index", [-1, 5])
def test_the_fence_holds(index):
    """The test above can fail: the child dies of one load."""
    code, printed, errors = run("stray", str(index))
    assert code < 0 and printed == ["inside"], errors


def test_every_kernel_stands_between_fences(root, monkeypatch):
    """What is not called from a list is called by name; loops by address call kernels of rows."""
    monkeypatch.syspath_prepend(root)
    from asv_benchmarks import work

    wanted = {
        kernel.__name__
        for kernel, _ in warmup.versions()
        if PRODUCTS.match(kernel.__name__)
        or (
            kernel.__name__ not in work.KERNELS
            and not kernel.__name__.endswith("_in_loop")
            and not kernel.__module__.startswith(checked.__name__)
        )
    }
    called = r"\b(?:kernels|checked|loop_sparse)\.(\w+)[(,]"
    by_name = re.findall(called, Path(__file__).read_text())
    assert sorted(wanted - set(by_name)) == []
    assert {"affine_forward", "train_epochs", "affine_layer_backward"} <= wanted


def stray(fences, index):
    @numba.njit
    def read(x, i):
        return get(pointer(x), i)

    fences.where = "start" if index < 0 else "end"
    x = fences.copy(np.ones(5))
    read(x, 4)
    print("inside", flush=True)
    read(x, index)


def main(part, word):
    if part == "stray":
        stray(Fences(1, 1), int(word))
    elif part == "rows":
        sys.path.append(word)  # for asv_benchmarks; last, so that fastnet is the one that is tested
        from asv_benchmarks import work

        fences = Fences(16, 65536)
        call_kernels_of_rows(fences, work)
        call_the_sampler(fences)
        call_checked(fences)
    else:
        fences = Fences(16, 4 * MEGABYTE)
        for dtype in (np.float32, np.float64):
            fences.fill(1, dtype)
            if part == "sparse":
                call_sparse_products(fences, dtype)
            elif part == "convolution":
                call_convolutions(fences, dtype)
            elif part == "loop":
                call_the_loop(fences, dtype)
            elif part == np.dtype(dtype).name:
                cases = sizes_of_products(BITS // 8 // np.dtype(dtype).itemsize)
                for number, case in enumerate(cases):
                    for fences.where in ("end", "start"):
                        call_products(fences, dtype, *case, number % 4)
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])


# --------------------------------------------------------------------------- recurrent layers

SEQUENCES = [
    (1, 1, 1, 1),
    (1, 3, 5, 7),
    (3, 2, 9, 8),
    (2, 3, 17, 33),
    (58, 2, 3, 15),
    (9, 2, 30, 49),
]


@pytest.mark.parametrize("where", ["start", "end"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", recurrences.KINDS)
def test_recurrences_stay_inside(kind, dtype, where):
    fences = Fences(24, MEGABYTE)
    fences.where = where
    for size in SEQUENCES:
        case = recurrences.Case(kind, size, np.dtype(dtype).type)
        expected, fences.used = case.run(kernels), 0
        fences.fill(np.nan, dtype)
        for name in ("x", "b", "dout"):
            setattr(case, name, fences.copy(getattr(case, name)))
        for name in ("weights", "states", "dc", "rooms"):
            setattr(case, name, [fences.copy(array) for array in getattr(case, name)])
        out = fences.copy(np.full_like(case.dout, np.nan))
        forward, backward = (
            getattr(kernels, f"{case.name}_{way}") for way in ("forward", "backward")
        )
        forward(case.x, *case.weights, case.b, *case.states, *case.settings, *case.rooms, out)
        arrays = [case.states[0], *case.dc, case.x, *case.weights, case.b]
        grads = [fences.array(*array.shape, dtype=dtype) for array in arrays]
        if case.dc:
            grads[1][...] = case.dc[0]
        backward(case.x, *case.weights, case.dout, *case.settings, *case.rooms, *grads)
        for ours, wanted in zip([out, *case.states, *grads], expected, strict=True):
            np.testing.assert_array_equal(ours, wanted)
