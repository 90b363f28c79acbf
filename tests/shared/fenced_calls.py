"""Call kernels between fences; a read or write outside of an operand ends this process.

test_fences.py starts it for one of the parts, with the folder of the checkout:

    python tests/shared/fenced_calls.py float32 .
"""

import itertools
import sys

import numba
import numpy as np
from fenced_products import (
    call_convolutions,
    call_products,
    call_sparse_products,
    sizes_of_products,
)
from fences import MEGABYTE, PRODUCTS, Fences, fence_allocations
from numba.np.numpy_support import as_dtype

from fastnet import kernels, warmup
from fastnet.kernels import (
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    blocking,
    checked,
)
from fastnet.kernels.loop import online
from fastnet.kernels.loop.record import FLOAT32, FLOAT64, UINT8
from fastnet.kernels.simd import BITS, allocate, get, pointer
from fastnet.reference.kernels.record import dense_layers, layers_of, program_of


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
            alone_at = online.one_by_one.address(np.dtype(dtype))
            one, other = (
                fences.copy(program_of(stack, loss, layers=layers, one_by_one=alone_at))
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


def call_kernels_of_rows(fences, work, made):
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
            arguments = list(made.arguments_of(name, sizes, types).values())
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


def call_the_shuffle(fences):
    """Orders that end anywhere in a batch, of no class and of as many as are sorted."""
    for n, classes, batch in itertools.product((0, 1, 2, 9, 33), (0, 1, 64), (1, 4, 50)):
        labels = np.arange(n * min(classes, 1)) * 13 % max(classes, 1)
        arrays = np.append(np.arange(624), 620), np.arange(n), labels
        for fences.where in ("end", "start"):
            fences.used = 0
            orders = fences.array(3, n, dtype=np.int64)
            kernels.shuffle_forward(*map(fences.copy, arrays), batch, orders)


def stray(fences, index):
    """Read before an array's begin, or behind the end of what a kernel allocates."""

    @numba.njit
    def read(x, i):
        return get(pointer(x) if i < 0 or x[0] == 0 else allocate(pointer(x), x.nbytes), i)

    fences.where = "start" if index < 0 else "end"
    sizes, x = fence_allocations(fences), fences.copy(np.zeros(5))
    read(x, 4)
    x[0] = 1
    read(x, 4)
    assert sizes == [x.nbytes]
    print("inside", flush=True)
    read(x, index)


def main(*words):
    *parts, word = words
    for part in parts:
        call(part, word)
        print(part, flush=True)


def call(part, word):
    if part == "stray":
        stray(Fences(1, 1), int(word))
    elif part == "rows":
        sys.path.append(word)  # for asv_benchmarks; last, so that fastnet is the one that is tested
        from asv_benchmarks import arguments, work

        fences = Fences(16, 65536)
        call_kernels_of_rows(fences, work, arguments)
        call_the_sampler(fences)
        call_the_shuffle(fences)
        call_checked(fences)
    else:
        fences = Fences(16, 4 * MEGABYTE)
        sizes = fence_allocations(fences)
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
                assert sizes, "no product asks for memory"


if __name__ == "__main__":
    main(*sys.argv[1:])
