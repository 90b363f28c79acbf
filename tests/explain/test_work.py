"""What kernels have to do: the table of work by hand."""

import platform

import pytest
from in_turn import every_dtype_name, with_each

from fastnet import kernels
from fastnet.kernels._compile import Kernel
from fastnet.kernels.simd import BITS

PUBLIC = [name for name in kernels.__all__ if isinstance(getattr(kernels, name), Kernel)]


def test_every_public_kernel_is_in_the_table(work):
    assert sorted(work.KERNELS) == sorted(set(PUBLIC) - work.WITHOUT_WORK)


SIZES = {
    "K": 3,
    "G": 1,
    "T": 4,
    "S": 2,
    "P": 37,
    "N": 7,
    "C": 5,
    "D": 6,
    "M": 3,
    "V": 11,
    "H": 4,
    "W": 6,
    "A": 3,
    "B": 2,
}


WITH_WORK = sorted(set(PUBLIC) - {"shuffle_forward", "unigram_sampler_forward", "work_size"})


@with_each("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WITH_WORK)
def test_arguments_of_the_table_fit_the_kernel(explain, kernel_arguments, work, name, dtype):
    """And the reference: both leave the same in them."""
    sizes = work.sizes_of(name, [SIZES[letter] for letter in work.KERNELS[name].sizes.split()])
    types = kernel_arguments.types_of(name, dtype)
    arguments = kernel_arguments.arguments_of(name, sizes, types)
    written = explain.check(name, arguments, types)
    assert written or 2 in work.KERNELS[name].moves.values(), "the kernel writes nothing"
    assert work.bytes_of(name, sizes, arguments) >= work.working_set_of(name, sizes, arguments) > 0
    assert work.flops_of(name, sizes, dtype) >= 0


@pytest.mark.parametrize(
    ("name", "shape", "flops", "moved"),
    [
        # a product, a bias and a sigmoid of 27
        ("affine_forward", [100, 784, 50], 2 * 3_920_000 + 5000 * 28, 78400 + 39200 + 50 + 5000),
        ("matmul_backward", [2, 3, 4], 2 * 2 * 24, 6 + 12 + 8 + 6 + 12),
        ("affine_backward_sgd_update", [2, 3, 4], 2 * 24 + 8 + 24 + 8, 6 + 8 + 2 * (12 + 4)),
        ("sgd_update", [5, 7], 2 * 35, 3 * 35),
        ("adam_update", [10], 150, (1 + 2 * 3) * 10),
        ("relu_backward", [10], 10, 30),
        ("step_backward", [10], 0, 10),
        ("softmax_forward", [3, 5], 15 * 26, 30),
        ("cross_entropy_backward", [3, 5], 9, 3 + 2 * 3 + 15),  # a label is as much as two
        ("embedding_forward", [100, 8, 10], 0, 10 * 8 + 2 * 10 + 80),
        ("embedding_forward", [5, 8, 10], 0, 5 * 8 + 2 * 10 + 80),
        ("repeat_backward", [2, 3, 4], 24, 24 + 8),
        ("l2_penalty_backward", [10], 20, 30),
        ("batch_normalization_forward", [4, 3], 96, 12 + 3 + 3 + 4 * 3 + 3 + 3 + 12),
    ],
)
def test_flops_and_bytes_by_hand(kernel_arguments, work, name, shape, flops, moved):
    sizes, types = work.sizes_of(name, shape), kernel_arguments.types_of(name, "float32")
    assert work.flops_of(name, sizes, "float32") == flops
    assert (
        work.bytes_of(name, sizes, kernel_arguments.arguments_of(name, sizes, types)) == 4 * moved
    )


@every_dtype_name
@pytest.mark.parametrize(
    "name",
    "exp_forward log_forward sigmoid_forward tanh_forward softplus_forward gelu_forward "
    "gelu_tanh_backward sigmoid_backward sgd_update adamw_update".split(),
)
def test_flops_are_those_of_the_compiled_loop(explain, kernel_arguments, work, name, dtype):
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("counted in the instructions of x86")
    code = explain.machine_code(getattr(kernels, name), kernel_arguments.types_of(name, dtype))
    if name.startswith("exp") and not code["fma"]:
        pytest.skip("this CPU has no multiply-add")
    assert code["flops_a_lane"] == work.flops_of(name, {"P": 1}, dtype)
    assert code["width"] == BITS
