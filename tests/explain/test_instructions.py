"""What kernels do: instructions are counted in machine code."""

import platform

import pytest
from in_turn import every_dtype_name

from fastnet import kernels

X86 = """
	.text
_ZN7fastnet7kernels:
	xorl	%eax, %eax
.LBB0_1:
	vxorps	%xmm0, %xmm0, %xmm0
.LBB0_2:
	vmovups	(%rdi,%rax), %ymm1
	vfmadd231ps	(%rsi){1to16}, %zmm2, %zmm3
	vmulps	%ymm1, %ymm1, %ymm0
	vaddss	%xmm1, %xmm0, %xmm0
	# a comment: vaddps %zmm0
	addq	$64, %rax
	jb	.LBB0_2
	vdivpd	%zmm1, %zmm1, %zmm1
	jne	.LBB0_1
	jmp	.LBB0_9
.LBB0_9:
	retq
_ZN7cpython7fastnet7kernels:
.LBB1_1:
	vaddps	%zmm1, %zmm1, %zmm1
	jne	.LBB1_1
"""
ARM = """
kernel:
	mov	x8, xzr
.LBB0_1:
	ldr	q0, [x0, x8]
	fmla	v1.4s, v0.4s, v2.4s
	fadd	v3.4s, v0.4s, v2.4s
	fadd	s4, s5, s6
	add	x8, x8, #16
	cbnz	x9, .LBB0_1
	b.ne	.LBB0_2
.LBB0_2:
	fmla	z0.s, p0/m, z1.s, z2.s
	subs	x8, x8, #1
	b.ne	.LBB0_2
	ret
"""


def test_instructions_are_counted(inner_loops):
    [loop] = [inner_loops.counted(loop) for _, loop in inner_loops.loops_of(X86)]
    assert loop == {
        "instructions": 6,
        "vector": {"zmm": 1, "ymm": 2},
        "scalar": 3,
        "fma": 1,
        "flops_a_lane": 3,
    }
    neon, sve = [inner_loops.counted(loop) for _, loop in inner_loops.loops_of(ARM)]
    assert (neon["vector"], neon["scalar"], neon["fma"], neon["flops_a_lane"]) == (
        {"v": 3},
        3,
        1,
        3,
    )
    assert (sve["vector"], sve["scalar"], sve["fma"]) == ({"z": 1}, 2, 1)


@every_dtype_name
def test_the_loop_of_a_product_is_its_tiles(explain, kernel_arguments, verdicts, dtype):
    """Not one of the rows that skip zeros, nor of an activation, which may have more arithmetic."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("counted in the instructions of x86")
    code = explain.machine_code(
        kernels.affine_forward, kernel_arguments.types_of("affine_forward", dtype)
    )
    [(rows, vectors)] = code["tiles"]
    assert code["flops_a_lane"] == 2 * rows * vectors >= 2 * 12
    assert 20 < code["loops"] < 100  # 61 with 256 bits, 68 with 512
    assert "(a tile's, with the most arithmetic of " in verdicts.described(code)


def test_what_has_no_loop_or_no_vectors_is_said(explain, verdicts):
    code = explain.machine_code(kernels.work_size, kernels.work_size.versions[0])
    assert code["vector"] == {} and code["instructions"] == code["scalar"] > 5
    assert verdicts.described(code).startswith("no vector instructions known here, ")
    assert verdicts.described(None).startswith("cannot be told: ")
